// The machine's clock is set by a day under a relay: deadlines are counted by a clock that nobody sets, tokens are judged
// by the machine's.
import { describe, expect, it } from 'vitest'
import { CoreUnderTest } from '../core.ts'
import { END, hello, names, only, open, payloadOf, push } from '../device.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const HOUR_MS = 60 * 60 * 1000
const TOKEN = 'alice/*:write'
const NOVEL = 'alice/novel'

describe.each([
  ['forward', DAY_MS],
  ['back', -DAY_MS],
])('a clock that is set %s by a day', (_way, byMs) => {
  it('ends no connection, and spares none its deadline', async () => {
    const relay = coreInJanuary()
    const [resting, fresh] = [relay.connect(), relay.connect()]
    await resting.round([hello(TOKEN), open(1, NOVEL), push(1, payloadOf('one')), END])
    relay.clockSetByMs += byMs
    relay.pass(4_000)
    expect([resting.closeCode, fresh.closeCode]).toEqual([null, null])
    expect(names(await resting.round([open(1, NOVEL), push(1, payloadOf('two')), END]))).toContain('ACK')
    relay.pass(1_000)
    expect(fresh.closeCode).toBe('DEADLINE')
    relay.pass(13_999)
    expect(resting.closeCode).toBe(null)
    relay.pass(1)
    expect(resting.closeCode).toBe('DEADLINE')
    expect(relay.core.connectionCount).toBe(0)
  })

  it('says the time of the machine', async () => {
    const relay = coreInJanuary()
    relay.clockSetByMs += byMs
    const { relayTimeMs } = only(await relay.burst([hello(TOKEN), END]), 'WELCOME')
    expect(relayTimeMs).toBe(relay.nowMs + byMs)
  })
})

describe('a token', () => {
  it('is judged by the clock as it was set when it is shown, and lives on no longer than it had left', async () => {
    const relay = coreInJanuary()
    relay.tokens.expiresAtMs = relay.nowMs + HOUR_MS
    const before = relay.connect()
    await before.round([hello(TOKEN), END])
    relay.clockSetByMs = DAY_MS
    const { code } = only(await relay.connect().round([hello(TOKEN), END]), 'ERROR')
    expect(code).toBe('TOKEN')
    relay.clockSetByMs = 0
    expect(names(await relay.burst([hello(TOKEN), END]))).toBe('WELCOME DONE')
    // A round every ten seconds, for an hour.
    let answer = ''
    for (let second = 0; second < 3_600; second += 10) {
      answer = names(await before.round([END]))
      expect(answer).toBe('DONE')
      relay.pass(10_000)
    }
    expect(names(await before.round([END]))).toBe('ERROR')
  })
})

/** Far enough from 1970 to be set back. */
function coreInJanuary(): CoreUnderTest {
  const relay = new CoreUnderTest()
  relay.nowMs = 10 * DAY_MS
  return relay
}

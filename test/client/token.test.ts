import { memoryStore, type Platform, Tidemark, type TokenSource } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { VirtualTime } from '../support/virtual-time.ts'
import { NOVEL, RELAY_URL, World } from '../support/world.ts'

function withToken(world: World, token: TokenSource, time: Partial<Platform> = {}): Tidemark {
  const platform = { WebSocket: world.relay.WebSocket, fetch: null, ...time }
  return new Tidemark({ store: memoryStore(), relays: [RELAY_URL], token, schedule: false, platform })
}

describe('the token', () => {
  it('is asked for once more after a refusal, and told so', async () => {
    const world = new World()
    const asked: boolean[] = []
    const tidemark = withToken(world, ({ relay, refused }) => {
      expect(relay).toBe(RELAY_URL)
      asked.push(refused)
      return refused ? 'alice/*:write' : ''
    })
    ;(await tidemark.open(NOVEL)).doc.getText('t').insert(0, 'x')
    expect(await tidemark.sync()).toMatchObject({ complete: true })
    expect(asked).toEqual([false, true])
    expect(await world.log()).toHaveLength(1)
  })

  it('that stays refused is the error of the sync, with the report', async () => {
    const asked: boolean[] = []
    const tidemark = withToken(new World(), async ({ refused }) => {
      asked.push(refused)
      return ''
    })
    await tidemark.open(NOVEL)
    await expect(tidemark.sync()).rejects.toMatchObject({
      code: 'TOKEN',
      retryable: false,
      relay: RELAY_URL,
      report: { complete: false, relays: [{ error: { code: 'TOKEN' } }] },
    })
    expect(asked).toEqual([false, true])
  })

  it('whose source throws is named and tried again later, and nothing is lost', async () => {
    const tidemark = withToken(new World(), () => {
      throw new Error('the backend is down')
    })
    const document = await tidemark.open(NOVEL)
    document.doc.getText('t').insert(0, 'x')
    await expect(tidemark.sync()).rejects.toMatchObject({
      code: 'OFFLINE',
      retryable: true,
      message: expect.stringContaining('backend is down'),
    })
    expect(document.status.safety).toBe('on-device')
  })

  it('that never comes does not outlast the budget', async () => {
    const tidemark = withToken(new World(), () => new Promise<string>(() => undefined))
    await tidemark.open(NOVEL)
    expect(await tidemark.sync({ budgetMs: 20 })).toMatchObject({ complete: false, stopped: 'budget' })
  })

  it('that never comes is named after a while, and asked for again', async () => {
    const time = new VirtualTime()
    let asked = 0
    const token = (): Promise<string> | string => (++asked === 1 ? new Promise(() => undefined) : 'alice/*:write')
    const tidemark = withToken(new World(), token, time.platform)
    const { doc } = await tidemark.open(NOVEL)
    doc.getText('t').insert(0, 'x')
    const failed = expect(tidemark.sync()).rejects.toMatchObject({
      code: 'TIMEOUT',
      retryable: true,
      message: expect.stringContaining('token'),
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    await time.pass(20_000)
    await failed
    expect(tidemark.status).toMatchObject({ activity: 'idle', problem: { code: 'TIMEOUT' } })
    expect(await tidemark.sync()).toMatchObject({ complete: true })
  })
})

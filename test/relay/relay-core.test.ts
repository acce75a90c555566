// What the core does when it is called now and then: the store drops what is due, and nothing waits for it.
import { describe, expect, it } from 'vitest'
import { memoryRelayStore } from '../../relay/src/store/memory.ts'
import { CoreUnderTest, settled } from './core.ts'

/** A store whose sweeps are answered by the test. */
function held(): {
  store: ReturnType<typeof memoryRelayStore>
  answer: (more: boolean | Error) => void
  swept: () => number
} {
  const store = memoryRelayStore()
  const waiting: { resolve: (swept: { more: boolean }) => void; reject: (error: Error) => void }[] = []
  let swept = 0
  store.sweep = () => {
    swept += 1
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
  }
  const answer = (more: boolean | Error): void => {
    const asked = waiting.shift()
    if (more instanceof Error) asked?.reject(more)
    else asked?.resolve({ more })
  }
  return { store, answer, swept: () => swept }
}

describe('the sweep of the store', () => {
  it('is one at a time, at once again while there is more, and else after a while', async () => {
    const { store, answer, swept } = held()
    const relay = new CoreUnderTest({ sweepEveryMs: 10_000 }, store)
    for (let calls = 0; calls < 3; calls++) relay.pass(250)
    expect(swept()).toBe(1)
    answer(true)
    await settled()
    expect(swept()).toBe(1)
    relay.pass(250)
    expect(swept()).toBe(2)
    answer(false)
    await settled()
    relay.pass(9_999)
    expect(swept()).toBe(2)
    relay.pass(1)
    expect(swept()).toBe(3)
  })

  it('that fails is logged, and tried again later', async () => {
    const { store, answer, swept } = held()
    const relay = new CoreUnderTest({ sweepEveryMs: 10_000 }, store)
    relay.pass(250)
    answer(new Error('disk full'))
    await settled()
    expect(relay.errorsLogged).toEqual(['the store could not drop what is due'])
    relay.pass(9_000)
    expect(swept()).toBe(1)
    relay.pass(1_000)
    expect(swept()).toBe(2)
  })

  it('is finished before a drained relay may close its store, and is not begun any more', async () => {
    const { store, answer, swept } = held()
    const relay = new CoreUnderTest({}, store)
    relay.pass(250)
    let isDrained = false
    const drained = relay.core.drain().then(() => {
      isDrained = true
    })
    await settled()
    expect(isDrained).toBe(false)
    answer(true)
    await drained
    relay.pass(60_000)
    expect(swept()).toBe(1)
  })

  it('that never ends is not waited for once the relay is abandoned', async () => {
    const { store } = held()
    const relay = new CoreUnderTest({}, store)
    relay.pass(250)
    const drained = relay.core.drain()
    relay.core.abandon()
    await drained
  })
})

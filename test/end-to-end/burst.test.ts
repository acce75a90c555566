// Bursts as apps make them: devices with stores of files, the relay a process of its own, over both carriers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CarrierName, NodeDevice } from '../support/node-device.ts'
import { RelayProcess } from '../support/relay-process.ts'

const CARRIERS: readonly CarrierName[] = ['websocket', 'http']

const relay = new RelayProcess()
const devices: NodeDevice[] = []
let token = ''

beforeAll(async () => {
  await relay.start()
  token = await relay.token()
})

afterAll(async () => {
  await Promise.all(devices.map((device) => device.leave()))
  await relay.stop()
})

describe.each(CARRIERS)('over %s', (carrier) => {
  it('a text typed on one device appears on another, and so do deletions alone', async () => {
    const [left, right] = [device(carrier), device(carrier)]
    const novel = `alice/novel over ${carrier}`
    await left.insert(novel, 0, 'Call me Ishmael. Some years ago')
    expect(await left.burst()).toMatchObject([{ id: novel, outcome: 'synced', entriesPushed: 1, entriesPulled: 0 }])
    expect(await right.text(novel)).toBe('')
    expect(await right.burst()).toMatchObject([{ id: novel, outcome: 'synced', entriesPushed: 0, entriesPulled: 1 }])
    expect(await right.text(novel)).toBe('Call me Ishmael. Some years ago')
    await right.delete(novel, 16, 15)
    expect(await right.burst()).toMatchObject([{ entriesPushed: 1 }])
    expect(await left.burst()).toMatchObject([{ entriesPulled: 1 }])
    expect(await left.text(novel)).toBe('Call me Ishmael.')
    const { status } = await left.tidemark.open(novel)
    expect(status).toMatchObject({ safety: expect.stringMatching(/on-relay|confirmed/), unsentBytes: 0, problem: null })
  })

  it('a burst over an up-to-date document is one message each way', async () => {
    const writer = device(carrier)
    const note = `alice/note over ${carrier}`
    await writer.insert(note, 0, 'nothing new')
    await writer.burst()
    writer.messagesUp = 0
    writer.messagesDown = 0
    expect(await writer.burst()).toMatchObject([{ id: note, outcome: 'synced', entriesPushed: 0, entriesPulled: 0 }])
    expect([writer.messagesUp, writer.messagesDown]).toEqual([1, 1])
  })

  it('a document of several megabytes is pushed and pulled in pieces', async () => {
    const [left, right] = [device(carrier), device(carrier)]
    const encyclopedia = `alice/encyclopedia over ${carrier}`
    const text = Array.from(
      { length: 60_000 },
      (_, i) => `Article ${i}, on the ${i * 7919}th thing that there is. `,
    ).join('')
    expect(text.length).toBeGreaterThan(2_500_000)
    await left.insert(encyclopedia, 0, text)
    left.messagesUp = 0
    expect(await left.burst()).toMatchObject([{ outcome: 'synced', entriesPushed: 1 }])
    expect(left.messagesUp).toBeGreaterThan(2)
    await right.tidemark.open(encyclopedia)
    await right.burst()
    // Compared here: a failure would print all of it.
    expect((await right.text(encyclopedia)) === text).toBe(true)
  }, 60_000)
})

function device(carrier: CarrierName): NodeDevice {
  const made = new NodeDevice({ url: relay.url, token, carrier })
  devices.push(made)
  return made
}

// Libraries of many documents: a burst opens what changed and nothing else, and a new device gets all of it.
import { afterEach, describe, expect, it } from 'vitest'
import { NodeDevice } from '../support/node-device.ts'
import { RelayProcess } from '../support/relay-process.ts'

const DOCUMENTS_AT_ONCE = 50

const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describe('a vault', () => {
  it('of 1,000 documents of which two changed opens two', async () => {
    const relay = await startRelay()
    const token = await relay.token()
    const [writer, reader] = [
      track(new NodeDevice({ url: relay.url, token })),
      track(new NodeDevice({ url: relay.url, token, mirror: ['alice'], carrier: 'http' })),
    ]
    const ids = namesOf(1_000)
    await writeAll(writer, ids)
    expect(await writer.burst()).toHaveLength(1_000)
    expect(await reader.burst()).toHaveLength(1_000)
    expect(await reader.burst()).toHaveLength(0)

    const changed = ['alice/story 17', 'alice/story 803']
    for (const id of changed) {
      await writer.insert(id, 0, 'Changed: ')
      await (await writer.tidemark.open(id)).close()
    }
    expect((await writer.burst()).map(({ id }) => id).sort()).toEqual(changed)
    expect((await reader.burst()).map(({ id }) => id).sort()).toEqual(changed)
    expect(await writer.burst()).toHaveLength(0)
    for (const id of changed) expect(await reader.text(id)).toBe(`Changed: This is ${id}.`)
    expect(await reader.text('alice/story 18')).toBe('This is alice/story 18.')
  }, 120_000)

  it('of 300 documents is whole on a new device that mirrors it, and needs no relay from then on', async () => {
    const relay = await startRelay()
    const token = await relay.token()
    const writer = track(new NodeDevice({ url: relay.url, token }))
    const fresh = track(new NodeDevice({ url: relay.url, token, mirror: ['alice'] }))
    const ids = namesOf(300)
    await writeAll(writer, ids)
    await writer.burst()
    expect(await fresh.burst()).toHaveLength(300)
    await relay.kill()
    const listed = await fresh.tidemark.list('alice')
    expect(listed.map(({ id }) => id).sort()).toEqual([...ids].sort())
    expect(listed.every(({ onDevice, deleted }) => onDevice && !deleted)).toBe(true)
    for (const id of ids) expect(await fresh.text(id)).toBe(`This is ${id}.`)
  }, 120_000)
})

async function startRelay(): Promise<RelayProcess> {
  const relay = new RelayProcess()
  undo.push(() => relay.stop())
  await relay.start()
  return relay
}

function track(device: NodeDevice): NodeDevice {
  undo.push(() => device.leave())
  return device
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `alice/story ${i}`)
}

/** Writes and closes them, some at a time. */
async function writeAll(device: NodeDevice, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += DOCUMENTS_AT_ONCE) {
    const some = ids.slice(from, from + DOCUMENTS_AT_ONCE)
    await Promise.all(
      some.map(async (id) => {
        await device.insert(id, 0, `This is ${id}.`)
        await (await device.tidemark.open(id)).close()
      }),
    )
  }
}

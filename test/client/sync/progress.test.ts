// The progress of a burst: grows only, never claims more than was moved, and is whole when the burst is.
import type { SyncProgress } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../../../client/src/store/memory-disk.ts'
import { RELAY_URL, type TestDevice, World } from '../../support/world.ts'

const LARGE = Array.from({ length: 60_000 }, (_, i) => String(i).padStart(9, '0')).join(' ')

interface Seen {
  readonly all: SyncProgress[]
  /** As the status told it; null at the end. */
  readonly told: (SyncProgress | null)[]
}

async function watched(device: TestDevice, check: (progress: SyncProgress) => void = () => undefined): Promise<Seen> {
  const seen: Seen = { all: [], told: [] }
  const unsubscribe = device.tidemark.subscribe(({ progress }) => seen.told.push(progress))
  const onProgress = (progress: SyncProgress): void => {
    seen.all.push(progress)
    check(progress)
  }
  const report = await device.tidemark.sync({ onProgress })
  await Promise.resolve()
  unsubscribe()
  expect(report.progress).toEqual(seen.all.at(-1))
  if (report.complete) {
    const { bytesDone, bytesTotal, documentsDone, documentsTotal } = report.progress
    expect([bytesDone, documentsDone]).toEqual([bytesTotal, documentsTotal])
  }
  return seen
}

function expectHonest({ all, told }: Seen): void {
  for (const progress of all) {
    expect(progress.bytesDone).toBeLessThanOrEqual(progress.bytesTotal)
    expect(progress.documentsDone).toBeLessThanOrEqual(progress.documentsTotal)
  }
  for (const name of ['bytesDone', 'bytesTotal', 'documentsDone', 'documentsTotal'] as const) {
    const values = all.map((progress) => progress[name])
    expect(values).toEqual([...values].sort((a, b) => a - b))
  }
  expect(told.at(-1)).toBeNull()
  expect(told.filter((progress) => progress !== null).length).toBeGreaterThan(1)
}

describe('the progress of a burst', () => {
  it('counts what goes up, by what the relay says it holds', async () => {
    const world = new World({}, { isSlow: true })
    const device = world.device()
    await device.type(LARGE)
    const seen = await watched(device, ({ bytesDone }) => expect(bytesDone).toBeLessThanOrEqual(world.relay.upBytes))
    expectHonest(seen)
    expect(seen.all.length).toBeGreaterThan(8)
    expect(seen.all.at(-1)?.bytesTotal).toBeGreaterThanOrEqual(LARGE.length)
    expect(seen.all.at(-1)?.bytesTotal).toBeLessThan(LARGE.length * 1.1)
  })

  it('counts what comes down, and knows how much it will be as soon as the document is opened', async () => {
    const world = new World({}, { isSlow: true })
    const writer = world.device()
    await writer.type(LARGE)
    await writer.sync()
    const reader = world.device()
    await reader.open()
    const seen = await watched(reader, ({ bytesDone }) => expect(bytesDone).toBeLessThanOrEqual(world.relay.downBytes))
    expectHonest(seen)
    const opened = seen.all.filter(({ bytesTotal }) => bytesTotal > 0)
    expect(new Set(opened.map(({ bytesTotal }) => bytesTotal)).size).toBe(1)
    expect(opened[0]?.bytesDone).toBeLessThan(LARGE.length / 2)
  })

  it('of a library counts as done only what is in the device store', async () => {
    const world = new World({}, { isSlow: true })
    const writer = world.device()
    const ids = Array.from({ length: 150 }, (_, i) => `alice/${i}`)
    for (const id of ids) (await writer.open(id)).doc.getText('t').insert(0, id)
    await writer.sync()
    const disk = new MemoryDisk()
    const reader = world.device(disk, { mirror: ['alice'] })
    const seen = await watched(reader, ({ documentsDone }) => {
      expect(documentsDone).toBeLessThanOrEqual(disk.snapshot().documents.size)
    })
    expectHonest(seen)
    expect(seen.all.at(-1)).toMatchObject({ documentsDone: 150, documentsTotal: 150 })
  })

  it('goes on over the connection after a refused token, and counts nothing twice', async () => {
    const world = new World({}, { isSlow: true })
    const token = ({ refused }: { refused: boolean }): string => (refused ? 'alice/*:write' : '')
    const device = world.device(new MemoryDisk(), { token })
    await device.type(LARGE)
    const seen = await watched(device)
    expectHonest(seen)
    expect(seen.all.at(-1)?.bytesTotal).toBeLessThan(LARGE.length * 1.1)
  })

  it('never counts a push that was refused, nor a document that failed', async () => {
    const world = new World({}, { isSlow: true })
    const device = world.device(new MemoryDisk(), { token: 'alice/*:write bob/*:read' })
    await device.type('mine')
    const foreign = await device.open('bob/diary')
    foreign.doc.getText('t').insert(0, 'x'.repeat(10_000))
    const seen = await watched(device)
    expectHonest(seen)
    expect(seen.all.at(-1)).toMatchObject({ documentsDone: 1, documentsTotal: 2 })
    expect(seen.all.at(-1)?.bytesDone).toBeLessThan(1_000)
    expect(foreign.status.problem).toMatchObject({ code: 'READ_ONLY', action: 'ask-for-access', relay: RELAY_URL })
  })
})

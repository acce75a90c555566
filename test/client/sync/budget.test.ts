// sync({ budgetMs, signal }): ends in time, keeps what it has, and says what is left.
import type { SyncProgress } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../../../client/src/store/memory-disk.ts'
import { VirtualTime } from '../../support/virtual-time.ts'
import { NOVEL, RELAY_URL, type TestDevice, World } from '../../support/world.ts'

const KIB = 1024
const DOCUMENTS = 150

/** Timers ring only when the test lets time pass. */
function timed(world: World, time: VirtualTime): TestDevice {
  const platform = { ...time.platform, WebSocket: world.WebSocket, fetch: null }
  return world.device(new MemoryDisk(), { platform })
}

async function library(world: World): Promise<void> {
  const writer = world.device()
  for (let i = 0; i < DOCUMENTS; i++) {
    const document = await writer.open(`alice/${i}`)
    document.doc.getText('t').insert(0, `number ${i}`)
    await document.close()
  }
  expect((await writer.sync()).complete).toBe(true)
}

/** Stops the sync as soon as `isEnough`. */
async function syncUntil(device: TestDevice, isEnough: (progress: SyncProgress) => boolean) {
  const controller = new AbortController()
  const onProgress = (progress: SyncProgress): void => {
    if (isEnough(progress)) controller.abort()
  }
  return device.tidemark.sync({ signal: controller.signal, onProgress })
}

describe('a sync that is stopped', () => {
  it('keeps the documents that it had, says how many are left, and the next one takes only those', async () => {
    const world = new World({}, { isSlow: true })
    await library(world)
    const reader = world.device(new MemoryDisk(), { mirror: ['alice'] })
    const stopped = await syncUntil(reader, ({ documentsDone }) => documentsDone > 0)
    expect(stopped).toMatchObject({ complete: false, stopped: 'signal', relays: [{ complete: false, error: null }] })
    const { documentsDone, documentsTotal } = stopped.progress
    expect(documentsTotal).toBe(DOCUMENTS)
    expect(documentsDone).toBeGreaterThan(0)
    expect(documentsDone).toBeLessThan(DOCUMENTS)
    reader.crash()
    const rest = await reader.sync()
    expect(rest).toMatchObject({ complete: true, stopped: null })
    expect(rest.progress).toMatchObject({
      documentsTotal: DOCUMENTS - documentsDone,
      documentsDone: DOCUMENTS - documentsDone,
    })
    expect((await reader.open('alice/149')).doc.getText('t').toString()).toBe('number 149')
  })

  it('goes on with a large document where it was stopped, also after a restart', async () => {
    const world = new World({}, { isSlow: true })
    const writer = world.device()
    await writer.type(Array.from({ length: 300 * 100 }, (_, i) => String(i).padStart(9, '0')).join(' '))
    await writer.sync()
    const reader = world.device()
    await reader.open()
    const stopped = await syncUntil(reader, ({ bytesDone }) => bytesDone > 150 * KIB)
    expect(stopped).toMatchObject({ complete: false, stopped: 'signal' })
    const { bytesDone, bytesTotal, documentsDone } = stopped.progress
    expect(documentsDone).toBe(0)
    expect(bytesDone).toBeLessThan(bytesTotal)
    reader.crash()
    await reader.open()
    const firsts: SyncProgress[] = []
    const rest = await reader.tidemark.sync({ onProgress: (progress) => firsts.push(progress) })
    expect(rest.complete).toBe(true)
    expect(rest.relays[0]?.bytesReceived).toBeLessThan(bytesTotal - bytesDone + 32 * KIB)
    // What came before counts as done: the bar goes on where it was.
    expect(firsts.find(({ bytesTotal }) => bytesTotal > 0)?.bytesDone).toBeGreaterThanOrEqual(bytesDone)
    expect(rest.progress).toMatchObject({ bytesDone: bytesTotal, bytesTotal, documentsDone: 1, documentsTotal: 1 })
  })

  it('does not wait for the answer of a relay that has fallen silent', async () => {
    const world = new World()
    const time = new VirtualTime()
    const device = timed(world, time)
    await device.type('x')
    world.relay.deliver = () => undefined
    const sync = device.tidemark.sync({ budgetMs: 3_000 })
    await time.pass(2_999)
    expect(device.tidemark.status.activity).toBe('syncing')
    await time.pass(1)
    // No further second passes, and still it ends.
    expect(await sync).toMatchObject({ stopped: 'budget', complete: false, durationMs: 3_000 })
    expect((await device.open()).status).toMatchObject({ safety: 'on-device', activity: 'idle', problem: null })
  })

  it('does not wait for the burst before it: the budget runs from the call on', async () => {
    const world = new World()
    const time = new VirtualTime()
    const device = timed(world, time)
    await device.type('x')
    world.relay.deliver = () => undefined
    const controller = new AbortController()
    const first = device.tidemark.sync({ signal: controller.signal })
    const second = device.tidemark.sync({ budgetMs: 1_000 })
    await time.pass(1_000)
    expect(await second).toMatchObject({
      stopped: 'budget',
      complete: false,
      relays: [{ relay: RELAY_URL, complete: false, carrier: null, bytesSent: 0, documents: [] }],
    })
    controller.abort()
    expect(await first).toMatchObject({ stopped: 'signal' })
    world.restart()
    expect(await device.sync()).toMatchObject({ complete: true })
    expect(await world.log(NOVEL)).toHaveLength(1)
  })

  it('opens no connection when it was aborted before it began, or has no time at all', async () => {
    const world = new World()
    const device = world.device()
    await device.type('x')
    const controller = new AbortController()
    controller.abort()
    expect(await device.tidemark.sync({ signal: controller.signal })).toMatchObject({
      stopped: 'signal',
      complete: false,
    })
    expect(await device.tidemark.sync({ budgetMs: 0 })).toMatchObject({ stopped: 'budget', complete: false })
    expect(world.relay.connectionsMade).toBe(0)
    expect(await device.tidemark.sync({ budgetMs: 60_000 })).toMatchObject({ stopped: null, complete: true })
  })

  it('says what its problems were before: what it did not get to says nothing of them', async () => {
    const world = new World({}, { isSlow: true })
    const device = world.device()
    await device.open('bob/diary')
    await device.sync()
    expect(device.tidemark.status.problem).toMatchObject({ code: 'DENIED', documentId: 'bob/diary' })
    world.relay.deliver = () => undefined
    await device.tidemark.sync({ budgetMs: 20 })
    expect(device.tidemark.status.problem).toMatchObject({ code: 'DENIED', documentId: 'bob/diary' })
  })
})

it('a budget that is none is named', async () => {
  const device = new World().device()
  for (const budgetMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    await expect(device.tidemark.sync({ budgetMs })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  }
})

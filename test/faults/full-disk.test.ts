// A disk that is filled and emptied again and again under a loaded relay, which is killed while it is full: to the last
// byte by others, or as far as the relay goes by itself.
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { afterEach, expect } from 'vitest'
import { openLmdbStore } from '../../relay/src/store/lmdb/open.ts'
import { Random } from '../simulation/random.ts'
import { type Acknowledged, GRANTS, PushingClients, VAULTS } from '../support/pushing-clients.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { itRequiring } from '../support/requirement.ts'
import { missingForSmallDisk, SmallDisk } from '../support/small-disk.ts'
import { checkStore } from '../support/store-check.ts'

const MIB = 1024 * 1024
const CYCLES = 12
const LIMITS = ['freeBytesMin=0', 'retryAfterMs=100']
const undo: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

itRequiring(missingForSmallDisk())(`a disk that is full ${CYCLES} times, and the relay killed each time`, async () => {
  const disk = new SmallDisk(96 * MIB)
  undo.push(() => disk.unmount())
  const data = `${disk.mountPoint}/data`
  const relay = new RelayProcess([], { data, limits: LIMITS })
  undo.push(() => relay.stop())
  const random = new Random(4)
  const acknowledged: Acknowledged[] = []
  const report = { cycles: CYCLES, acknowledged: 0, refused: 0, startsRefused: 0, lost: 0 }
  await relay.start()
  const token = await relay.token(GRANTS)
  const device = new Tidemark({
    relays: [relay.url],
    token,
    store: memoryStore(),
    schedule: { everyMs: 300, afterEditMs: 50, longestWaitMs: 200 },
  })
  undo.push(() => device.close())
  const { doc } = await device.open('alice/novel')
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    disk.fillUpTo(random.between(2, 6) * MIB)
    doc.getText('t').insert(0, `Cycle ${cycle}. `)
    const clients = await PushingClients.start({
      url: relay.url,
      token,
      clients: 6,
      seed: cycle,
      acknowledged: (entry) => acknowledged.push(entry),
    })
    await until(() => clients.refusals.length >= 200)
    if (cycle % 3 === 2) disk.fillUpTo(0)
    await relay.kill()
    await clients.ended()
    report.refused += clients.refusals.length
    expect(new Set(clients.refusals)).toEqual(new Set(['STORAGE']))
    if (cycle % 3 === 2) {
      // Not even its start can be written down. It says so, and its supervisor tries again.
      await expect(relay.start()).rejects.toThrow('with exit code 74')
      report.startsRefused++
    }
    disk.empty()
    const store = await openLmdbStore({ directory: data, freeBytesMin: 0 })
    const logs = await checkStore(store, VAULTS)
    await store.close()
    report.lost += acknowledged.filter((entry) => !logs.get(entry.documentId)?.pushIds.includes(entry.pushId)).length
    await relay.start()
  }
  report.acknowledged = acknowledged.length
  process.stdout.write(`${JSON.stringify(report)}\n`)
  expect(report).toMatchObject({ lost: 0, startsRefused: CYCLES / 3 })
  expect(report.acknowledged).toBeGreaterThan(1_000)
  const novel = await device.open('alice/novel')
  await until(() => novel.status.unsentSince === null && novel.status.problem === null)
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

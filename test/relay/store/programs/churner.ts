// Run as a process of its own by lmdb-churn.test.ts, to be killed: devices that push, in one piece and in several, that
// compact, claim and delete, beside a sweep that drops what they replace after a moment.
//
//   churner <directory>     without end; a line for each acknowledgement:
//     pushed <document> <index> <push id> | compacted <document> <base> | staged <key> <bytes> | taking <key>
//     | deleted <document> <mark>
import { writeSync } from 'node:fs'
import { at, bytesPush, judge, stored } from '../../../../relay/src/store/conformance/subject.ts'
import type { RelayStore, StoreLimits, StorePush } from '../../../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../../../relay/src/store/lmdb/open.ts'
import { snapshotOf, wholeLog } from './whole-log.ts'

const SOON: Partial<StoreLimits> = { retentionMs: 20, retentionMaxMs: 60 }
const PIECE_BYTES = 30_000
const round = crypto.randomUUID()

/** At once, and in one piece: what is said has been said when the process dies. */
function say(...words: readonly (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

async function append(store: RelayStore, push: StorePush): Promise<Uint8Array> {
  const { index, receipt } = stored(at(await store.append([push]), 0))
  say('pushed', push.documentId, index, hex(push.pushId))
  return receipt
}

async function push(store: RelayStore, device: number): Promise<void> {
  for (let edit = 0; ; edit += 1) {
    const documentId = `v${device % 2}/d${(device + edit) % 6}`
    const large = edit % 25 === 24 ? 'x'.repeat(70_000) : ''
    await append(store, bytesPush(documentId, Buffer.from(`${round} ${device} ${edit} ${large}`)))
  }
}

async function compact(store: RelayStore, device: number): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const documentId = `v${turn % 2}/d${Math.floor(turn / 2) % 6}`
    const log = await wholeLog(store, documentId)
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (log === undefined || log.judgement.tail.entriesAfterBase < 20) continue
    const { pushIds, mark, judgement } = log
    const key = `snapshot ${device}`
    const bytes = snapshotOf(pushIds)
    await stage(store, key, bytes)
    const snapshotId = Buffer.alloc(16)
    snapshotId.writeUInt32BE(pushIds.length)
    const request = { documentId, mark, baseExpected: judgement.tail.base, snapshotId, upload: key }
    if ((await store.install(request)) === 'OK') say('compacted', documentId, pushIds.length)
    else await store.dropUpload(key)
    await claim(store, documentId, mark)
  }
}

/** What two devices agree on is dropped sooner. */
async function claim(store: RelayStore, documentId: string, mark: Uint8Array): Promise<void> {
  const { generation } = await judge(store, documentId)
  for (const device of [1, 2]) {
    const claimed = { device: new Uint8Array(16).fill(device), digest: new Uint8Array(16), profile: '' }
    await store.claim({ documentId, mark, generation, ...claimed })
  }
}

async function stage(store: RelayStore, key: string, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
    const piece = bytes.subarray(offset, offset + PIECE_BYTES)
    await store.stage({ key, total: bytes.length, offset, bytes: piece })
  }
}

/** Every other upload is pushed; the rest stay. */
async function upload(store: RelayStore): Promise<void> {
  for (let number = 0; ; number += 1) {
    const key = `${round} ${number}`
    const bytes = Buffer.from(`${key} `.repeat(4_000))
    for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
      const piece = bytes.subarray(offset, offset + PIECE_BYTES)
      const staged = await store.stage({ key, total: bytes.length, offset, bytes: piece })
      if (staged === 'full') throw new Error('There is room')
      say('staged', key, staged.staged)
    }
    if (number % 2 === 0) continue
    say('taking', key)
    await append(store, { ...bytesPush('v0/d0', bytes), payload: { upload: key } })
  }
}

async function begin(store: RelayStore): Promise<void> {
  for (let number = 0; ; number += 1) {
    const documentId = `v1/${round} ${number % 5}`
    const large = Buffer.from(`${number} `.repeat(20_000))
    await store.append([{ ...bytesPush(documentId, large), create: true }])
    const { receipt: mark } = stored(at(await store.append([bytesPush(documentId, Buffer.from(`${number}`))]), 0))
    if ((await store.delete({ documentId, mark })) !== 'OK') throw new Error('Nobody else pushes to it')
    say('deleted', documentId, hex(mark))
  }
}

async function sweep(store: RelayStore): Promise<void> {
  for (;;) {
    while ((await store.sweep()).more);
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('Which directory?')
const store = await openLmdbStore({ directory, limits: SOON })
say('open')
const devices = Array.from({ length: 8 }, (_, device) => push(store, device))
await Promise.all([...devices, compact(store, 1), compact(store, 2), upload(store), begin(store), sweep(store)])

// What a relay does to a store, in one call each: uploads, compactions, claims, sweeps; and a clock to do it by.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Bytes, RelayStore, StoreLimits } from '../contract.ts'
import { EMPTY, judge, type OpenStore, type StoreUnderTest } from './subject.ts'

export interface Clock {
  nowMs: number
}

/** Short enough to tell apart what is dropped when. */
export const SHORT_LIMITS: StoreLimits = {
  retentionMs: 1_000,
  retentionMaxMs: 5_000,
  tombstoneMs: 20_000,
  uploadIdleMs: 700,
  uploadBytesMax: 10_000_000,
  repairWaitMs: 100,
}

/** A test with a store whose clock only moves when it is told to. */
export function withClock(
  openStore: OpenStore,
  run: (subject: StoreUnderTest, clock: Clock) => Promise<void>,
  limits: Partial<StoreLimits> = {},
): () => Promise<void> {
  return async () => {
    const clock: Clock = { nowMs: 1_700_000_000_000 }
    const subject = await openStore({ now: () => clock.nowMs, limits: { ...SHORT_LIMITS, ...limits } })
    try {
      await run(subject, clock)
    } finally {
      await subject.dispose()
    }
  }
}

/** A source of random bytes that throws while it is `broken`. */
export class FallibleRandom {
  broken = false
  #drawn = 0

  readonly random = (bytes: number): Bytes => {
    if (this.broken) throw new Error('no entropy')
    this.#drawn += 1
    return new Uint8Array(bytes).fill(this.#drawn)
  }
}

/** 16 bytes. */
export function id(number: number): Bytes {
  return new Uint8Array(16).fill(number)
}

/** Bytes that tell their place. */
export function patterned(length: number, salt = 0): Bytes {
  return Uint8Array.from({ length }, (_, position) => (position * 31 + (position >> 8) + salt) % 251)
}

export function sha256Of(...parts: readonly Bytes[]): Bytes {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export async function stageWhole(store: RelayStore, key: string, bytes: Bytes, pieceBytes = 65_536): Promise<void> {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    const piece = bytes.subarray(offset, offset + pieceBytes)
    assert.deepEqual(await store.stage({ key, total: bytes.length, offset, bytes: piece }), {
      staged: offset + piece.length,
    })
  }
}

export interface Compaction {
  readonly mark: Bytes
  readonly baseExpected?: number
  /** Of the snapshot. Default 10. */
  readonly bytes?: Bytes
  /** Default: that of the bytes. */
  readonly snapshotId?: Bytes
}

/** Uploads a snapshot and installs it; returns its id. */
export async function compact(store: RelayStore, documentId: string, compaction: Compaction): Promise<Bytes> {
  const bytes = compaction.bytes ?? patterned(10, compaction.mark.at(-1))
  const snapshotId = compaction.snapshotId ?? new Uint8Array(sha256Of(bytes).subarray(0, 16))
  await stageWhole(store, 'snapshot', bytes)
  const { mark, baseExpected = 0 } = compaction
  assert.equal(await store.install({ documentId, mark, baseExpected, snapshotId, upload: 'snapshot' }), 'OK')
  return snapshotId
}

export interface Claimed {
  readonly mark: Bytes
  readonly device: number
  readonly digest?: number
  readonly profile?: string
  /** Default: the current one. */
  readonly generation?: Bytes
}

export async function claim(
  store: RelayStore,
  documentId: string,
  { mark, device, digest = 0, profile = '1/13.6/', generation }: Claimed,
): Promise<'kept' | 'agrees' | 'differs' | 'stale'> {
  const current = generation ?? (await judge(store, documentId)).generation
  return store.claim({ documentId, mark, generation: current, device: id(device), profile, digest: id(digest) })
}

/** Claims of two devices that agree at a mark. */
export async function agree(store: RelayStore, documentId: string, mark: Bytes): Promise<void> {
  assert.equal(await claim(store, documentId, { mark, device: 201 }), 'kept')
  assert.equal(await claim(store, documentId, { mark, device: 202 }), 'agrees')
}

/** Sweeps until nothing more is due. */
export async function sweepAll(store: RelayStore): Promise<void> {
  for (let calls = 0; (await store.sweep()).more; calls += 1) assert.ok(calls < 10_000, 'the sweep comes to an end')
}

/** Documents of a vault that changed after a feed mark, a deleted one with an exclamation mark. */
export async function changedAfter(store: RelayStore, vault: string, mark: Bytes): Promise<readonly string[]> {
  const { documents } = await store.feed({ vault, mark, documentsMax: 1_000 })
  return documents.map(({ documentId, deleted }) => (deleted ? `${documentId}!` : documentId))
}

/** The feed as it is now, to be asked again from there. */
export async function feedMark(store: RelayStore, vault: string): Promise<Bytes> {
  return (await store.feed({ vault, mark: EMPTY, documentsMax: 1_000 })).mark
}

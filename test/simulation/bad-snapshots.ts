// Snapshots that no honest device makes, put in the place of a log's prefix under a mark that is valid: what a defect of
// some device, or a hostile one that holds the lease, may leave behind.
import { encodeSnapshotPayload, type SnapshotSeal, snapshotIdOf } from '../../client/src/document/snapshot-payload.ts'
import { encodeChanges } from '../../client/src/document/update.ts'
import { encodeBookmark } from '../../relay/src/store/bookmark.ts'
import { baseOf, chainAt, headOf } from '../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import type { LogHistory } from './log-history.ts'
import type { Random } from './random.ts'
import { Replica } from './replica.ts'
import { hex } from './scene.ts'
import type { SimulatedRelay } from './simulated-relay.ts'
import type { World } from './world.ts'

/** Of a shorter prefix; without one client's content; of bytes that are no update; cut off. */
export const BAD_SNAPSHOTS = ['stale', 'incomplete', 'garbage', 'cut off'] as const
export type BadSnapshot = (typeof BAD_SNAPSHOTS)[number]

/** Above the base there is something that a snapshot could stand for. */
export function mayBeCompacted(log: MemoryDocument): boolean {
  return headOf(log) > baseOf(log)
}

/** Resolves once it is in place, or cannot be: flushes are needed meanwhile. */
export async function installBadSnapshot(
  world: World,
  relay: SimulatedRelay,
  log: MemoryDocument,
  kind: BadSnapshot,
  random: Random = world.random,
): Promise<'OK' | 'CHANGED' | 'GONE'> {
  const base = random.between(baseOf(log) + 1, headOf(log))
  const mark = encodeBookmark(log.incarnation, base, chainAt(log, base) ?? log.seed)
  const seal = world.keys.payloadsOf(log.documentId).snapshotSeal()
  const payload = badPayload(kind, world.histories.of(relay, log), log, base, mark, random, seal)
  return install(world, relay, log, { mark, payload })
}

async function install(
  world: World,
  relay: SimulatedRelay,
  log: MemoryDocument,
  { mark, payload }: { readonly mark: Uint8Array; readonly payload: Uint8Array },
): Promise<'OK' | 'CHANGED' | 'GONE'> {
  const snapshotId = snapshotIdOf(payload)
  const upload = `bad ${hex(snapshotId)}`
  world.deeds.badSnapshots.add(hex(snapshotId))
  const { store } = relay
  await store.stage({ key: upload, total: payload.length, offset: 0, bytes: payload })
  const { documentId } = log
  const outcome = await store.install({ documentId, mark, baseExpected: baseOf(log), snapshotId, upload })
  if (outcome === 'OK') world.deeds.did('bad snapshots')
  return outcome
}

function badPayload(
  kind: BadSnapshot,
  history: LogHistory,
  log: MemoryDocument,
  base: number,
  mark: Uint8Array,
  random: Random,
  seal: SnapshotSeal | null,
): Uint8Array {
  const upTo = (index: number): Replica => {
    const replica = new Replica()
    for (const { content } of history.entries(log).slice(0, index)) replica.add(content.payload, content.format)
    return replica
  }
  const wrapped = (update: Uint8Array): Uint8Array =>
    encodeSnapshotPayload({ mark, deepDigest: random.bytes(16), held: [], update }, seal)
  switch (kind) {
    case 'stale':
      return wrapped(everythingOf(upTo(random.between(0, base - 1))))
    case 'incomplete':
      return wrapped(withoutOneClient(upTo(base), random))
    case 'garbage':
      return wrapped(random.bytes(random.between(1, 40)))
    case 'cut off': {
      const whole = wrapped(everythingOf(upTo(base)))
      return whole.slice(0, random.between(whole.length - 16, whole.length - 1))
    }
  }
}

function everythingOf({ doc, extent }: Replica): Uint8Array {
  return encodeChanges(doc, extent) ?? Uint8Array.of(0, 0)
}

function withoutOneClient({ doc, extent }: Replica, random: Random): Uint8Array {
  const clients = [...extent.structs.clients()]
  const kept = extent.copy()
  const left = clients.length === 0 ? 0 : random.pick(clients)
  for (const set of [kept.structs, kept.deletes])
    for (const { start, end } of [...set.ranges(left)]) set.remove(left, start, end)
  return encodeChanges(doc, kept) ?? Uint8Array.of(0, 0)
}

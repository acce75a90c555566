// What must hold of every push where there are several relays: what another relay gave is carried over late, and only where it
// is missing. Looks at the logs and the disk as they were when the burst began, never at what the device believes.
import type * as Y from 'yjs'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import type { DiskInvariants } from './disk-invariants.ts'
import { outboxOf, readStored, type StoredDocument, unsentOf, viewOf } from './disk-reading.ts'
import { extentOf, lacking, pendingOf } from './extent.ts'
import { fail, type Scene } from './scene.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

export interface Pushed {
  readonly device: SimulatedDevice
  readonly relay: SimulatedRelay
  readonly documentId: string
  /** In hex. */
  readonly pushId: string
  readonly changes: ChangeSet
}

/** All as it was when the burst began. */
interface Burst {
  /** Devices whose bursts have ended since. */
  readonly overtakenBy: Set<SimulatedDevice>
  /** Documents that were written to since: what that builds upon goes along. */
  readonly edited: Set<string>
  readonly stored: ReadonlyMap<string, StoredDocument>
  /** By document: what the device had, in its store or in memory. */
  readonly here: ReadonlyMap<string, ChangeSet>
  readonly logs: ReadonlyMap<
    SimulatedRelay,
    { readonly losses: number; readonly extents: ReadonlyMap<string, ChangeSet> }
  >
}

export class CarryingInvariants {
  readonly #scene: Scene
  readonly #disks: DiskInvariants
  /** Those that the app asked for and that have not ended; the first is under way. */
  readonly #asked = new Map<SimulatedDevice, readonly object[]>()
  readonly #bursts = new Map<SimulatedDevice, Burst>()
  /** Whose next bursts begin with some relays while the one before goes on with others: then nobody can tell what each of them knew. */
  readonly #overlapping = new Set<SimulatedDevice>()
  /** As which each device ever wrote. */
  readonly #clients = new Map<SimulatedDevice, Set<number>>()
  /** What was pushed once is repeated with the same bytes, whatever has come meanwhile. */
  readonly #pushed = new Set<string>()

  constructor(scene: Scene, disks: DiskInvariants) {
    this.#scene = scene
    this.#disks = disks
  }

  opened(device: SimulatedDevice, documentId: string, doc: Y.Doc): void {
    this.#clients.set(device, (this.#clients.get(device) ?? new Set()).add(doc.clientID))
    doc.on('update', (_update: Uint8Array, _origin: unknown, _doc: Y.Doc, { local }: Y.Transaction) => {
      if (local) this.#bursts.get(device)?.edited.add(documentId)
    })
  }

  /** A burst begins, or waits for the one under way with the same relay. */
  asked(device: SimulatedDevice, burst: object): void {
    if (this.#scene.relays.length < 2) return
    // Those of a process that has died never end.
    const asked = device.syncsRunning === 0 ? [] : (this.#asked.get(device) ?? [])
    this.#asked.set(device, [...asked, burst])
    if (asked.length > 0) {
      this.#overlapping.add(device)
      return
    }
    this.#overlapping.delete(device)
    this.#began(device)
  }

  #began(device: SimulatedDevice): void {
    const { relays, histories } = this.#scene
    for (const burst of this.#bursts.values()) if (burst.overtakenBy.delete(device)) this.#countLate()
    const stored = this.#disks.read(device)
    const here = new Map([...stored].map(([id, { named }]) => [id, named.copy()]))
    for (const [id, { doc }] of device.open) {
      const had = here.get(id) ?? new ChangeSet()
      had.addAll(extentOf(doc))
      had.addAll(pendingOf(doc))
      here.set(id, had)
    }
    const extentsAt = (relay: SimulatedRelay): ReadonlyMap<string, ChangeSet> =>
      new Map(
        [...here.keys()].flatMap((id) => {
          const log = relay.log(id)
          return log === null ? [] : [[id, histories.of(relay, log).readable(log).extent]]
        }),
      )
    const logs = new Map(relays.map((relay) => [relay, { losses: relay.losses, extents: extentsAt(relay) }]))
    this.#bursts.set(device, { overtakenBy: new Set(), edited: new Set(), stored, here, logs })
  }

  /** What it was to bring may be brought by others, and by itself once more. */
  ended(device: SimulatedDevice, burst: object, isComplete: boolean): void {
    const asked = this.#asked.get(device) ?? []
    const rest = asked.filter((one) => one !== burst)
    this.#asked.set(device, rest)
    // Stopped before it began: the one before it goes on.
    if (asked[0] !== burst) return
    this.#bursts.delete(device)
    if (!isComplete) this.#countLate()
    for (const other of this.#bursts.values()) other.overtakenBy.add(device)
    if (rest.length > 0) this.#began(device)
  }

  pushed(push: Pushed): void {
    const { device, relay, documentId, pushId, changes } = push
    const burst = this.#bursts.get(device)
    const key = `${device.name} ${relay.name} ${pushId}`
    const isRepeated = this.#pushed.has(key)
    this.#pushed.add(key)
    if (burst === undefined || isRepeated || this.#overlapping.has(device) || this.#isExcused(documentId)) return
    const structs = new ChangeSet(changes.structs)
    this.#checkWaited(push, burst, structs)
    if (!structs.isEmpty) this.#checkMissing(push, burst, structs)
  }

  #countLate(): void {
    this.#scene.deeds.did('late bursts')
  }

  /** Whoever holds what it cannot read does not see what is there; a bad snapshot hides it; and deletion begins logs anew. */
  #isExcused(documentId: string): boolean {
    const { deleted, littered, badSnapshots } = this.#scene.deeds
    return deleted.has(documentId) || littered.has(documentId) || badSnapshots.size > 0 || this.#scene.keys.hasRotated
  }

  /** What comes from another relay in a burst is not carried on in the same one. */
  #checkWaited({ device, relay, documentId }: Pushed, { here, edited, logs }: Burst, structs: ChangeSet): void {
    // What a relay loses is given back at once, also what it has only just given.
    if (edited.has(documentId) || (logs.get(relay)?.losses ?? 0) < relay.losses) return
    const learned = structs.without(here.get(documentId) ?? new ChangeSet())
    for (const client of this.#clients.get(device) ?? []) learned.structs.remove(client, 0, Number.MAX_SAFE_INTEGER)
    if (learned.isEmpty) return
    // A clone goes on with what another one wrote.
    const stored = readStored(device.disk.image, documentId)
    learned.removeAll(unsentOf(stored, relay.url) ?? stored.named)
    // What is pending goes up in one piece.
    learned.removeAll(pendingOf(device.open.get(documentId)?.doc ?? stored.replica.doc))
    const log = relay.log(documentId)
    if (log !== null) learned.removeAll(this.#scene.histories.of(relay, log).whole(log).named)
    const early = lacking(new ChangeSet(), learned)
    if (early !== null)
      fail(`11: ${device.name} learns ${early} of ${documentId} and carries it to ${relay.name} at once`)
  }

  /** What a relay had before the burst is pushed only by who made it, and does not know yet that any relay has it. */
  #checkMissing({ device, relay, documentId }: Pushed, { stored, logs }: Burst, structs: ChangeSet): void {
    const there = logs.get(relay)
    const document = stored.get(documentId)
    if (there === undefined || there.losses < relay.losses || document === undefined) return
    if (lacking(there.extents.get(documentId) ?? new ChangeSet(), structs) !== null) return
    const unsent = unsentOf(document, relay.url)
    if (unsent === null) return
    const isOwn = unsent.intersects(structs)
    const hasAll = ({ url }: SimulatedRelay): boolean =>
      url !== relay.url && (viewOf(document, url)?.mark.length ?? 0) > 0 && !outboxOf(document, url).intersects(unsent)
    if (isOwn && !this.#scene.relays.some(hasAll)) return
    fail(`11: ${device.name} pushes ${lacking(new ChangeSet(), structs)} of ${documentId}, which ${relay.name} has`)
  }
}

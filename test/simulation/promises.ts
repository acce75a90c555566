// What a SyncReport promises: `complete` means that every edit made before the call is flushed on every relay, and that
// everything that the relays had then is applied and stored.
import type { SyncReport } from '@tidemark/client'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import type { DiskInvariants } from './disk-invariants.ts'
import { viewOf } from './disk-reading.ts'
import { extentOf, lacking } from './extent.ts'
import { fail, type Scene } from './scene.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

const NOTHING = new ChangeSet()

export interface SyncPromise {
  readonly device: SimulatedDevice
  /** By document id: what the device had at the call. */
  readonly here: ReadonlyMap<string, ChangeSet>
  readonly there: readonly RelayState[]
}

interface RelayState {
  readonly relay: SimulatedRelay
  readonly losses: number
  readonly logs: ReadonlyMap<string, ChangeSet>
}

export class Promises {
  readonly #scene: Scene
  readonly #disks: DiskInvariants

  constructor(scene: Scene, disks: DiskInvariants) {
    this.#scene = scene
    this.#disks = disks
  }

  made(device: SimulatedDevice, documents: readonly string[] | null): SyncPromise {
    const here = new Map([...this.#disks.of(device)].map(([id, { extent }]) => [id, extent]))
    for (const [id, { doc }] of device.open) here.set(id, extentOf(doc))
    // Of a document that is being deleted nothing is promised, also where the app begins it anew meanwhile.
    for (const [id, { record }] of this.#disks.of(device)) if (record?.deleting) here.delete(id)
    if (documents !== null) for (const id of here.keys()) if (!documents.includes(id)) here.delete(id)
    const there = this.#scene.relays.map((relay) => ({
      relay,
      losses: relay.losses,
      logs: new Map([...here.keys()].map((id) => [id, this.#readable(relay, id)])),
    }))
    return { device, here, there }
  }

  kept({ device, here, there }: SyncPromise, report: SyncReport): void {
    if (!report.complete) return
    const stored = this.#disks.of(device)
    for (const { relay, losses, logs } of there) {
      if (relay.losses > losses) continue
      for (const [id, extent] of here) {
        // Somebody deleted it, or this device does. A relay may have lost the tombstone, and hold a log that was begun anew.
        const document = stored.get(id)
        const isDeleted = document?.record?.deleting || (document && viewOf(document, relay.url)?.deleted)
        if (relay.state.tombstones.has(id) || isDeleted) continue
        // Deletions that are nobody's edit, but Yjs's own clean-up, may wait for another device's.
        const unpushed = lacking(this.#flushed(relay, id), new ChangeSet(extent.structs))
        if (unpushed !== null)
          fail(`${device.name} calls a burst complete, and ${relay.name} lacks ${unpushed} of ${id}`)
        // What a bad snapshot hides was there at the call, and is not any more.
        if (this.#scene.deeds.badSnapshots.size > 0) continue
        const unpulled = lacking(this.#disks.extentOf(device, id), logs.get(id) ?? NOTHING)
        if (unpulled !== null)
          fail(`${device.name} calls a burst complete without ${unpulled} of ${id} from ${relay.name}`)
      }
    }
  }

  /** What a device is given that knows nothing. */
  #readable(relay: SimulatedRelay, id: string): ChangeSet {
    const log = relay.log(id)
    return log === null ? NOTHING : this.#scene.histories.of(relay, log).readable(log).extent
  }

  /** Also what is hidden. */
  #flushed(relay: SimulatedRelay, id: string): ChangeSet {
    const log = relay.log(id)
    return log === null ? NOTHING : this.#scene.histories.of(relay, log).whole(log).extent
  }
}

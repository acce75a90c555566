// What a SyncReport promises: `complete` means that every edit made before the call is flushed on every relay, and that
// everything that the relays had then is applied and stored.
import type { SyncReport } from '@tidemark/client'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import { extentOf, lacking } from './extent.ts'
import { fail, type Invariants } from './invariants.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

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
  readonly #invariants: Invariants
  readonly #relays: () => readonly SimulatedRelay[]

  constructor(invariants: Invariants, relays: () => readonly SimulatedRelay[]) {
    this.#invariants = invariants
    this.#relays = relays
  }

  made(device: SimulatedDevice, documents: readonly string[] | null): SyncPromise {
    const here = new Map([...this.#invariants.storedOn(device)].map(([id, { extent }]) => [id, extent]))
    for (const [id, { doc }] of device.open) here.set(id, extentOf(doc))
    if (documents !== null) for (const id of here.keys()) if (!documents.includes(id)) here.delete(id)
    const there = this.#relays().map((relay) => ({
      relay,
      losses: relay.losses,
      logs: new Map([...here.keys()].map((id) => [id, this.#logExtent(relay, id)])),
    }))
    return { device, here, there }
  }

  kept({ device, here, there }: SyncPromise, report: SyncReport): void {
    if (!report.complete) return
    for (const { relay, losses, logs } of there) {
      if (relay.losses > losses) continue
      for (const [id, extent] of here) {
        // Deletions that are nobody's edit, but Yjs's own clean-up, may wait for another device's.
        const promised = new ChangeSet(extent.structs)
        const unpushed = lacking(this.#logExtent(relay, id), promised)
        if (unpushed !== null)
          fail(`${device.name} calls a burst complete, and ${relay.name} lacks ${unpushed} of ${id}`)
      }
      const stored = this.#invariants.storedOn(device)
      for (const [id, log] of logs) {
        const unpulled = lacking(stored.get(id)?.extent ?? new ChangeSet(), log)
        if (unpulled !== null)
          fail(`${device.name} calls a burst complete without ${unpulled} of ${id} from ${relay.name}`)
      }
    }
  }

  #logExtent(relay: SimulatedRelay, id: string): ChangeSet {
    const log = relay.log(id)
    if (log === null) return new ChangeSet()
    return this.#invariants.reader.extentAt(this.#invariants.logKey(relay, id), log, log.entries.length)
  }
}

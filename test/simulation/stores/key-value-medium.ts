// A key-value storage as a medium, in the shapes that are asynchronous: what is written in one call is there key by key when
// the process dies meanwhile, in any order, and one of the values may be torn.
import type { DeviceStore } from '../../../client/src/store/contract.ts'
import type { KeyValueBackend } from '../../../client/src/store/key-value/backend.ts'
import { keyValueStoreOn } from '../../../client/src/store/key-value/key-value-store.ts'
import {
  applyWrite,
  SHAPES,
  type StoredValue,
  ValueDisk,
  type ValueWrite,
} from '../../client/store/key-value-storages.ts'
import type { Random } from '../random.ts'
import { Calls, type Medium, SLOW_READS } from './medium.ts'

/** So small that checkpoints come all the time. */
const JOURNAL_BYTES_MIN = 4 * 1024

export type SabotageBackend = (backend: KeyValueBackend) => KeyValueBackend
export type KeyValueKind = 'AsyncStorage' | 'SQLite' | 'short strings'

export class KeyValueMedium implements Medium {
  readonly isReading = false
  readonly #kind: KeyValueKind
  readonly #random: Random
  readonly #sabotage: SabotageBackend
  readonly #values: Map<string, StoredValue>
  #calls = new Calls()

  constructor(kind: KeyValueKind, random: Random, sabotage: SabotageBackend, values = new Map<string, StoredValue>()) {
    this.#kind = kind
    this.#random = random
    this.#sabotage = sabotage
    this.#values = values
  }

  get callsWaiting(): number {
    return this.#calls.length
  }

  mount(): DeviceStore {
    const backendOn = SHAPES[this.#kind] as (disk: ValueDisk) => KeyValueBackend
    const backend = backendOn(new WaitingValues(this.#values, this.#calls, this.#random))
    return keyValueStoreOn(this.#sabotage(backend), 'device', JOURNAL_BYTES_MIN)
  }

  endCall(fails: boolean): void {
    this.#calls.end(this.#random.between(0, this.#calls.length - 1), fails)
  }

  crash(): number {
    const cut = this.#calls.crash()
    this.#calls = new Calls()
    return cut
  }

  copy(): KeyValueMedium {
    return new KeyValueMedium(this.#kind, this.#random.fork(), this.#sabotage, new Map(this.#values))
  }
}

class WaitingValues extends ValueDisk {
  override readonly values: Map<string, StoredValue>
  readonly #calls: Calls
  readonly #random: Random

  constructor(values: Map<string, StoredValue>, calls: Calls, random: Random) {
    super()
    this.values = values
    this.#calls = calls
    this.#random = random
  }

  override writeLater(writes: readonly ValueWrite[]): Promise<void> {
    const isGrowing = writes.some(([, value]) => value !== null)
    return this.#calls.wait({
      act: () => {
        for (const write of writes) applyWrite(this.values, write)
      },
      cut: () => this.#applySome(writes),
      ...(isGrowing ? { fill: () => this.#filled(writes) } : {}),
    })
  }

  /** A read may come between the writes of others. */
  override async pause(): Promise<void> {
    if (this.#random.chance(SLOW_READS)) await this.#calls.wait()
  }

  #filled(writes: readonly ValueWrite[]): Error {
    this.#applySome(writes)
    return new Error('database or disk is full (code 13 SQLITE_FULL)')
  }

  #applySome(writes: readonly ValueWrite[]): void {
    const torn = this.#random.chance(0.3) ? this.#random.pick(writes) : null
    for (const write of writes) {
      const [key, value] = write
      if (write === torn && value !== null) applyWrite(this.values, [key, value.slice(0, Math.floor(value.length / 2))])
      else if (this.#random.chance(0.5)) applyWrite(this.values, write)
    }
  }
}

// What a store of a simulated device stands on: a medium whose changes wait for the schedule, one call after the other, and
// of which a crash leaves what one of that kind leaves. MMKV is not among the kinds: its calls end at once, so that there is
// nothing to cut.
import type { DeviceStore } from '../../../client/src/store/contract.ts'
import type { DiskImage } from '../../../client/src/store/memory-disk.ts'

export const STORE_KINDS = ['memory', 'files', 'AsyncStorage', 'SQLite', 'short strings', 'IndexedDB'] as const

export type StoreKind = (typeof STORE_KINDS)[number]

export interface Medium {
  /** The store of a process that starts now. The one before has ended, or crashed. */
  mount(): DeviceStore
  /** What the store waits for. */
  readonly callsWaiting: number
  /** The store reads: that waits for nothing, and takes several turns. */
  readonly isReading: boolean
  /** Lets one call through; `fails`: in vain if it takes space, for there is none. */
  endCall(fails: boolean): void
  /** The process dies, in so many calls as it returns; with the power goes what only it keeps. */
  crash(isPowerCut: boolean): number
  /** Another one, which holds what a process sees here now, and `image` at least; nobody has it open. */
  copy(image: DiskImage): Medium
}

/** The share of reads that wait for the schedule as well. */
export const SLOW_READS = 0.1

/** One call of a store to its medium. */
export interface Call {
  /** It takes effect. */
  act(): void
  /** Something of it may take effect, or all: its process dies while it is under way. */
  cut(): void
  /** Something of it may take effect, and it fails for want of space. Absent: it takes none. */
  readonly fill?: () => Error
}

interface WaitingCall extends Call {
  resolve(): void
  reject(error: Error): void
}

/** The calls of one process; those of a dead one never end. */
export class Calls {
  #waiting: WaitingCall[] = []
  #isDead = false

  get length(): number {
    return this.#waiting.length
  }

  wait(call: Call = NOTHING): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#isDead) this.#waiting.push({ ...call, resolve, reject })
    })
  }

  end(index: number, fails: boolean): void {
    const [call] = this.#waiting.splice(index, 1)
    if (call === undefined) return
    if (fails && call.fill !== undefined) call.reject(call.fill())
    else {
      call.act()
      call.resolve()
    }
  }

  /** How many were cut. */
  crash(): number {
    this.#isDead = true
    const cut = this.#waiting
    this.#waiting = []
    for (const call of cut) call.cut()
    return cut.length
  }
}

/** What takes its time and changes nothing. */
const NOTHING: Call = { act: () => undefined, cut: () => undefined }

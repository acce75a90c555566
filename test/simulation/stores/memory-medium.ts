// The store in memory as a medium: a commit is one call, which takes effect whole or not at all.
import { type DeviceStore, DeviceStoreError } from '../../../client/src/store/contract.ts'
import { type DiskImage, MemoryDisk } from '../../../client/src/store/memory-disk.ts'
import { Calls, type Medium } from './medium.ts'

export class MemoryMedium implements Medium {
  readonly isReading = false
  readonly #disk: MemoryDisk
  #calls = new Calls()

  constructor(image?: DiskImage) {
    this.#disk = new MemoryDisk({ gate: () => this.#calls.wait(COMMIT) }, image)
  }

  get callsWaiting(): number {
    return this.#calls.length
  }

  mount(): DeviceStore {
    return this.#disk
  }

  endCall(fails: boolean): void {
    this.#calls.end(0, fails)
  }

  crash(): number {
    const cut = this.#calls.crash()
    this.#calls = new Calls()
    this.#disk.crash()
    return cut
  }

  copy(image: DiskImage): MemoryMedium {
    return new MemoryMedium(image)
  }
}

/** As the gate of a commit: what it does is done by the disk. */
export const COMMIT = {
  act: (): void => undefined,
  cut: (): void => undefined,
  fill: (): Error => new DeviceStoreError('FULL', 'The disk is full'),
}

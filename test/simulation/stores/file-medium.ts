// Files as a medium: each call of the file store to the file system is one of its own. A process that dies leaves what it
// has written; a power cut leaves what was flushed, and any sectors and names of the rest.
import { type FileStoreLimits, fileStoreOn } from '../../../client/src/node/file-store.ts'
import type { FileSystem } from '../../../client/src/node/file-store-disk.ts'
import type { DeviceStore } from '../../../client/src/store/contract.ts'
import { PowerLossDisk } from '../../client/store/power-loss.ts'
import type { Random } from '../random.ts'
import { Calls, type Medium } from './medium.ts'
import { SimulatedFiles } from './simulated-files.ts'

const DIRECTORY = '/device'
const ROWS_DIRECTORY = '/device/rows'

/** So small that files are rewritten all the time. */
const LIMITS: FileStoreLimits = { journalGrowthBytesMin: 400, garbageBytesMin: 100 }

export type SabotageFiles = (files: FileSystem) => FileSystem

export class FileMedium implements Medium {
  readonly isReading = false
  readonly #random: Random
  readonly #sabotage: SabotageFiles
  #disk: PowerLossDisk
  #calls = new Calls()

  constructor(random: Random, sabotage: SabotageFiles, disk: PowerLossDisk = new PowerLossDisk()) {
    this.#random = random
    this.#sabotage = sabotage
    this.#disk = disk
  }

  get callsWaiting(): number {
    return this.#calls.length
  }

  mount(): DeviceStore {
    const files = new SimulatedFiles(this.#disk, this.#calls, this.#random, [DIRECTORY, ROWS_DIRECTORY])
    return fileStoreOn(this.#sabotage(files), DIRECTORY, LIMITS)
  }

  endCall(fails: boolean): void {
    // Several files are written at once, each in its own time.
    this.#calls.end(this.#random.between(0, this.#calls.length - 1), fails)
  }

  crash(isPowerCut: boolean): number {
    const cut = this.#calls.crash()
    this.#calls = new Calls()
    if (isPowerCut) this.#disk = new PowerLossDisk(this.#disk.remains(() => this.#random.next()))
    return cut
  }

  copy(): FileMedium {
    return new FileMedium(this.#random.fork(), this.#sabotage, new PowerLossDisk(this.#disk.files()))
  }
}

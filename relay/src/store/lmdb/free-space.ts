// Watches the free space of the disk that holds the store, so that pushes are refused before it is full, and no commit is
// begun that does not fit. As long as there is much of it the disk is looked at once in two seconds, beside the work.
import { statfs } from 'node:fs/promises'
import { type Logger, SILENT } from '../../logger.ts'

export interface FreeSpaceOptions {
  readonly directory: string
  /** Below it the disk is short. 0: never short. */
  readonly freeBytesMin: number
  readonly logger?: Logger | undefined
  /** Default: what the file system says. */
  readonly freeBytesOf?: (directory: string) => Promise<number>
  /** Milliseconds of a clock that is never set. Default: the process's. */
  readonly steadyNow?: () => number
}

const LOOK_EVERY_MS = 2_000
/** With so much to spare a commit need not look first: others would have to write it within two seconds. */
const SPARE_BYTES: number = 1024 * 1024 * 1024

export class FreeSpace {
  readonly #directory: string
  readonly #freeBytesMin: number
  readonly #logger: Logger
  readonly #freeBytesOf: (directory: string) => Promise<number>
  readonly #steadyNow: () => number
  /** As of the last look, less what was written since. */
  #freeBytes: number = Number.POSITIVE_INFINITY
  #reusableBytes = 0
  #reusableBytesNow: (() => number) | null = null
  #isShort = false
  #lookedAtMs: number = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(options: FreeSpaceOptions) {
    const { directory, freeBytesMin, logger = SILENT, freeBytesOf = freeBytesIn } = options
    this.#directory = directory
    this.#freeBytesMin = freeBytesMin
    this.#logger = logger
    this.#freeBytesOf = freeBytesOf
    this.#steadyNow = options.steadyNow ?? (() => performance.now())
  }

  /** From now on it may be short. What is free within the data file counts as well, since that is filled before the disk. */
  begin(reusableBytesNow: () => number): void {
    this.#reusableBytesNow = reusableBytesNow
    this.#reusableBytes = reusableBytesNow()
    this.#settle()
  }

  /** Whether what would be written is to be refused. */
  get isShort(): boolean {
    // While it is short the timer looks.
    if (this.#isDue && this.#timer === null) void this.look()
    return this.#isShort
  }

  /**
   * Whether so many bytes fit. LMDB must not be let find out: where a write fails, lmdb-js 3.5.6 puts words about it into
   * a buffer that is too short for them, and the process dies of that sooner or later.
   */
  async fits(bytes: number): Promise<boolean> {
    if (!this.#isDue && this.#looking === null && this.#freeBytes - bytes >= SPARE_BYTES) return true
    await this.look()
    return this.#freeBytes >= bytes
  }

  /** Resolves once it is known that so many bytes fit. @throws Error with the code ENOSPC */
  async room(bytes: number): Promise<void> {
    if (await this.fits(bytes)) return
    const message = `${bytes} bytes are to be written, and ${this.#freeBytes} are free`
    throw Object.assign(new Error(message), { code: 'ENOSPC' })
  }

  /** So many bytes were stored: the disk may be short before it is looked at again. */
  took(bytes: number): void {
    this.#freeBytes -= bytes
    this.#settle()
  }

  /** Resolves when the disk has been looked at; never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
    return this.#looking
  }

  get #isDue(): boolean {
    return this.#steadyNow() - this.#lookedAtMs >= LOOK_EVERY_MS
  }

  async #look(): Promise<void> {
    this.#lookedAtMs = this.#steadyNow()
    try {
      this.#freeBytes = await this.#freeBytesOf(this.#directory)
      if (!this.#isClosed) this.#reusableBytes = this.#reusableBytesNow?.() ?? 0
    } catch (error) {
      // A file system that cannot even say its size is no full disk; what else it is, the next commit shows.
      this.#freeBytes = Number.POSITIVE_INFINITY
      this.#logger.warn({ err: error }, 'the free space of the disk cannot be looked at')
    }
    this.#looking = null
    this.#settle()
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #settle(): void {
    if (this.#reusableBytesNow === null) return
    const isShort = this.#freeBytes + this.#reusableBytes < this.#freeBytesMin
    if (isShort !== this.#isShort) {
      this.#isShort = isShort
      const fields = {
        freeBytes: this.#freeBytes,
        reusableBytes: this.#reusableBytes,
        freeBytesMin: this.#freeBytesMin,
      }
      if (isShort) this.#logger.warn(fields, 'the disk is nearly full: pushes are refused, reading goes on')
      else this.#logger.info(fields, 'the disk has free space again: pushes are taken')
    }
    if (isShort) this.#lookLater()
  }

  /** Nobody has to push, and be refused, for the relay to notice that there is space again. */
  #lookLater(): void {
    if (this.#timer !== null || this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.look()
    }, LOOK_EVERY_MS).unref()
  }
}

async function freeBytesIn(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

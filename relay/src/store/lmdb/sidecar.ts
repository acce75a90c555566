// A small file beside the data with the epoch and how far the data had got. Data that was put in its place (a backup, a
// raw copy) is not that far, is another's, or has no such file: it is recognised at the start, and gets a new epoch. The
// file is always behind the data, never ahead: it is written after the commits that it speaks of, off their path.
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Logger, SILENT } from '../../logger.ts'

/** Of the head row: every commit that adds an entry moves one of them, and neither ever goes back. */
export interface HighWater {
  readonly feedHead: number
  readonly nextSerial: number
}

export interface SidecarOptions {
  readonly directory: string
  readonly logger?: Logger | undefined
  /** Milliseconds between two writes while there are commits. Default 5,000. */
  readonly writeEveryMs?: number
}

const SIDECAR_FILE = 'sidecar.json'
const FORMAT_VERSION = 1
/** What was committed in this time before a crash may be missing from a copy put in place, unrecognised: then marks tell. */
const WRITE_EVERY_MS = 5_000

interface Contents extends HighWater {
  readonly format: number
  /** In hex. */
  readonly epoch: string
}

export class Sidecar {
  readonly #directory: string
  readonly #logger: Logger
  readonly #writeEveryMs: number
  /** Null: there is none that can be read. */
  readonly #found: Contents | null
  #epoch = ''
  #highWater: HighWater = { feedHead: 0, nextSerial: 0 }
  #written: HighWater | null = null
  #timer: NodeJS.Timeout | null = null
  /** One write at a time. */
  #writing: Promise<void> = Promise.resolve()

  /** Reads what is there; writes nothing. */
  static async read(options: SidecarOptions): Promise<Sidecar> {
    const { directory, logger = SILENT } = options
    return new Sidecar(options, await readContents(join(directory, SIDECAR_FILE), logger))
  }

  private constructor(
    { directory, logger = SILENT, writeEveryMs = WRITE_EVERY_MS }: SidecarOptions,
    found: Contents | null,
  ) {
    this.#directory = directory
    this.#logger = logger
    this.#writeEveryMs = writeEveryMs
    this.#found = found
  }

  /** Whether data of this epoch that has come this far is what was last written here, or has never held anything. */
  recognises(epoch: Uint8Array, { feedHead, nextSerial }: HighWater): boolean {
    const found = this.#found
    if (found === null) return feedHead === 0 && nextSerial === 1
    return found.epoch === hexOf(epoch) && feedHead >= found.feedHead && nextSerial >= found.nextSerial
  }

  /** Whether the data beside it held anything when this was last written. */
  get hasSeenEntries(): boolean {
    return this.#found !== null && this.#found.nextSerial > 1
  }

  /** The data has been opened, under this epoch. */
  async begin(epoch: Uint8Array, highWater: HighWater): Promise<void> {
    this.#epoch = hexOf(epoch)
    this.#highWater = highWater
    await this.#write()
  }

  /** The data has come this far, durably. */
  committed(highWater: HighWater): void {
    this.#highWater = highWater
    this.#timer ??= this.#writeLater()
  }

  /** Writes how far the data came. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#write()
  }

  #writeLater(): NodeJS.Timeout {
    const write = (): void => {
      this.#timer = null
      void this.#write().then(() => {
        if (this.#written !== this.#highWater) this.#timer ??= this.#writeLater()
      })
    }
    return setTimeout(write, this.#writeEveryMs).unref()
  }

  /** Never rejects: an older sidecar than could be only recognises less. On a full disk there is none to be had. */
  #write(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const highWater = this.#highWater
      if (highWater === this.#written) return
      const { feedHead, nextSerial } = highWater
      try {
        await replaceFile(this.#directory, { format: FORMAT_VERSION, epoch: this.#epoch, feedHead, nextSerial })
        this.#written = highWater
      } catch (error) {
        this.#logger.warn({ err: error }, 'how far the data has come could not be noted beside it')
      }
    })
    return this.#writing
  }
}

async function readContents(path: string, logger: Logger): Promise<Contents | null> {
  try {
    const contents = JSON.parse(await readFile(path, 'utf8')) as Contents
    if (contents.format === FORMAT_VERSION) return contents
    logger.warn({ path, format: contents.format }, `${path} has an unknown format, and is taken for absent`)
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isAbsent) logger.warn({ path, err: error }, `${path} cannot be read, and is taken for absent`)
  }
  return null
}

/** After a crash at any moment there is either the file of before or the new one, whole. */
async function replaceFile(directory: string, contents: Contents): Promise<void> {
  const path = join(directory, SIDECAR_FILE)
  const draft = `${path}.new`
  const file = await open(draft, 'w')
  try {
    await file.writeFile(`${JSON.stringify(contents)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  // Windows cannot open a directory, and writes its entries through.
  if (process.platform === 'win32') return
  const entries = await open(directory, 'r')
  try {
    await entries.sync()
  } finally {
    await entries.close()
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

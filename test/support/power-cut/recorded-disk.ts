// A file system on a block device that notes every write and every flush in a log: nbdkit serves the device, nbdfuse makes
// a file of it, a loop device makes a disk of that file. Linux, and root. Never touches a disk that is one.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missingProgram } from '../requirement.ts'

const PLUGIN = fileURLToPath(new URL('recorded-disk.py', import.meta.url))
const WAIT_MS_MAX = 10_000

/** What this machine lacks for a recorded disk, in words; null where it lacks nothing. */
export function missingForRecordedDisk(): string | null {
  if (process.platform !== 'linux') return 'a recorded disk needs Linux'
  if (process.getuid?.() !== 0) return 'only root may mount a recorded disk'
  return (
    missingProgram('nbdkit', ['python', '--dump-plugin']) ??
    missingProgram('nbdfuse', ['--version']) ??
    missingProgram('fusermount3', ['--version']) ??
    missingProgram('mkfs.ext4', ['-V']) ??
    missingProgram('losetup', ['--find']) ??
    missingProgram('test', ['-c', '/dev/fuse'])
  )
}

export class RecordedDisk {
  /** Where its file system is mounted. */
  readonly mountPoint: string
  /** The disk as it was before the first write. */
  readonly baseImage: string
  readonly log: string
  readonly #directory: string
  readonly #undo: (() => Promise<void> | void)[] = []

  static async start(bytes: number): Promise<RecordedDisk> {
    const disk = new RecordedDisk()
    try {
      await disk.#start(bytes)
      return disk
    } catch (error) {
      await disk.stop()
      throw error
    }
  }

  private constructor() {
    this.#directory = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-disk-')))
    this.mountPoint = join(this.#directory, 'mounted')
    this.baseImage = join(this.#directory, 'base')
    this.log = join(this.#directory, 'writes')
    this.#undo.push(() => rmSync(this.#directory, { recursive: true, force: true }))
  }

  /** How far the log is: what is in it by now was on its way to the disk before this moment. */
  get logBytes(): number {
    return statSync(this.log).size
  }

  /** Writes to the disk what only the kernel's memory holds. */
  writeBack(): void {
    run('sync', ['--file-system', this.mountPoint])
  }

  async stop(): Promise<void> {
    for (const step of this.#undo.splice(0).reverse()) await step()
  }

  async #start(bytes: number): Promise<void> {
    makeFileSystem(this.baseImage, bytes)
    const file = join(this.#directory, 'disk')
    writeFileSync(file, '')
    mkdirSync(this.mountPoint)
    const plugin = ['python', PLUGIN, `log=${this.log}`, `base=${this.baseImage}`]
    const served = spawn('nbdfuse', [file, '--command', 'nbdkit', '-s', '--exit-with-parent', ...plugin], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#undo.push(() => unserve(served, file))
    for (let waitedMs = 0; statSync(file).size === 0; waitedMs += 20) {
      if (served.exitCode !== null || waitedMs > WAIT_MS_MAX) throw new Error('nbdfuse serves no disk')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const device = run('losetup', ['--find', '--show', file])
    this.#undo.push(() => {
      run('losetup', ['--detach', device])
      return released(file)
    })
    run('mount', ['-t', 'ext4', device, this.mountPoint])
    this.#undo.push(() => void run('umount', [this.mountPoint]))
  }
}

/** A disk image, mounted; changes go into the image. */
export class MountedImage {
  readonly directory: string
  readonly #image: string

  constructor(image: string) {
    this.#image = image
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-image-')))
    run('mount', ['-t', 'ext4', '-o', 'loop', image, this.directory])
  }

  /** Resolves when the image is only a file again. */
  async unmount(): Promise<void> {
    run('umount', [this.directory])
    await released(this.#image)
    rmSync(this.directory, { recursive: true })
  }
}

/** A loop device keeps its file, and what it remembers of it, for as long as another program looks at the device. */
async function released(file: string): Promise<void> {
  for (let waitedMs = 0; run('losetup', ['--associated', file]) !== ''; waitedMs += 20) {
    if (waitedMs > WAIT_MS_MAX) throw new Error(`A loop device does not let go of ${file}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function makeFileSystem(image: string, bytes: number): void {
  writeFileSync(image, '')
  truncateSync(image, bytes)
  run('mkfs.ext4', ['-q', '-F', image])
}

async function unserve(served: ChildProcess, file: string): Promise<void> {
  if (served.exitCode !== null) return
  const ended = once(served, 'exit')
  run('fusermount3', ['-u', file])
  await ended
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, [...args], { encoding: 'utf8' }).trim()
}

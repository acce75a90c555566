// A disk in memory that is small enough to be filled: what others keep on it is a ballast file, which can be taken away.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What this machine lacks for one, in words; null where it lacks nothing. */
export function missingForSmallDisk(): string | null {
  if (process.platform !== 'linux') return 'a small disk needs Linux'
  return process.getuid?.() === 0 ? null : 'only root may mount a small disk'
}

export class SmallDisk {
  readonly mountPoint: string
  readonly #ballast: string

  constructor(bytes: number) {
    this.mountPoint = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-small-')))
    this.#ballast = join(this.mountPoint, 'ballast')
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', this.mountPoint])
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.mountPoint)
    return bavail * bsize
  }

  /** Others write until so much is free. */
  fillUpTo(freeBytes: number): void {
    this.empty()
    writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, this.freeBytes - freeBytes)))
  }

  /** What others wrote is gone. */
  empty(): void {
    rmSync(this.#ballast, { force: true })
  }

  unmount(): void {
    execFileSync('umount', [this.mountPoint])
    rmSync(this.mountPoint, { recursive: true })
  }
}

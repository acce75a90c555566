// Puts another text into a file that its writer may be saving at this moment. What she saved is never taken for what was there
// before: until the last moment the file is compared, and what is written to it even later is kept to be looked at.
import { lstatSync, renameSync } from 'node:fs'
import { chmod, link, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { flushDirectory, isMissing, readIfThere, textOf } from './disk.ts'

export interface Swap {
  readonly path: string
  /** What the file was seen to say; null: there was none. */
  readonly seen: string | null
  /** A file with the new text, on the same disk. It is there until the moment of the swap, and not after. */
  readonly prepared: string
  /** Another name for what is replaced: an editor that had it open may still write to it. */
  readonly overwritten: string
}

/** False: the file says something else by now, and was left as it is. */
export async function swapFile({ path, seen, prepared, overwritten }: Swap): Promise<boolean> {
  if (seen !== null) {
    await chmod(prepared, await modeOf(path))
    await rm(overwritten, { force: true })
    await linkWherePossible(path, overwritten)
  }
  const identity = identityOf(path)
  const now = await readIfThere(path)
  // Nothing may come between these two lines: what an editor puts in the place of the file in between would be lost.
  if ((now === null ? null : textOf(now)) !== seen || identityOf(path) !== identity) return false
  renameSync(prepared, path)
  await flushDirectory(dirname(path))
  return true
}

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode & 0o777
  } catch (error) {
    if (isMissing(error)) return 0o666
    throw error
  }
}

/** Not on every disk. There, what is written in the milliseconds around the swap is lost. */
async function linkWherePossible(path: string, other: string): Promise<void> {
  try {
    await link(path, other)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}

/** Changes when another file takes its place, or when it is written. */
function identityOf(path: string): string {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs}`
}

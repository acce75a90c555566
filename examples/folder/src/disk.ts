// Files of the folder and beside it: written whole or not at all, also when the power fails.
import { createHash } from 'node:crypto'
import { lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Two reads so far apart find the same, or somebody is writing. */
const SETTLING_MS = 100
/** Some editors empty a file before they write it. */
const EMPTY_SETTLING_MS = 1_000
/** What was not touched for so long, nobody is writing. */
const SETTLED_AGE_MS = 3_000
const LOOKS_MAX = 20

/** Null: there is no such file. */
export async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/**
 * What a file says once nobody is in the middle of writing it; at once where it says what is `known`. Null: there is no such file.
 * @throws Error if it goes on changing
 */
export async function readSettled(path: string, known: string | null): Promise<Uint8Array | null> {
  let bytes = await readIfThere(path)
  for (let look = 0; look < LOOKS_MAX; look++) {
    if (bytes === null || (known !== null && textOf(bytes) === known) || (await isOld(path))) return bytes
    await sleep(bytes.length === 0 && known !== null ? EMPTY_SETTLING_MS : SETTLING_MS)
    const again = await readIfThere(path)
    if (again === null || Buffer.compare(bytes, again) === 0) return again
    bytes = again
  }
  throw new Error('it is being written all the time')
}

async function isOld(path: string): Promise<boolean> {
  try {
    return Date.now() - (await lstat(path)).mtimeMs > SETTLED_AGE_MS
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** The old content or the new, whatever happens in between; resolves when it will stay. `workshop`: for what is being written. */
export async function replaceFile(path: string, content: Uint8Array | string, workshop: string): Promise<void> {
  // The same name each time: what a kill leaves there does not add up.
  const written = join(workshop, createHash('sha256').update(path).digest('hex').slice(0, 32))
  await writeFlushed(written, content)
  await mkdir(dirname(path), { recursive: true })
  await rename(written, path)
  await flushDirectory(dirname(path))
}

/** Nothing is left of it where the disk is full. */
export async function writeFlushed(path: string, content: Uint8Array | string, mode = 0o666): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await rm(path, { force: true })
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** Windows has no such thing. */
export async function flushDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Strictly: what is not UTF-8 is not text, and nothing of it may be guessed. Keeps a byte order mark. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

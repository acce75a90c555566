// Files of the folder and beside it: replaced whole or not at all, also when the power fails.
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

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
 * The old content or the new, whatever happens in between; resolves when it will stay. `workshop`: a folder of the same disk
 * for what is being written, where nobody looks.
 */
export async function replaceFile(path: string, content: Uint8Array | string, workshop: string): Promise<void> {
  const written = join(workshop, `${basename(path).slice(0, 50)}.${randomBytes(6).toString('hex')}`)
  for (const directory of [workshop, dirname(path)]) await mkdir(directory, { recursive: true })
  const file = await open(written, 'wx')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(written, path)
  await flushDirectory(dirname(path))
}

/** Windows has no such thing. */
async function flushDirectory(path: string): Promise<void> {
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

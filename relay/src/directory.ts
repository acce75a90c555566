// Directories as the relay needs them: made where they are not, and their entries on the disk. Never looks into one.
import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Makes a directory, and those that lead to it, where there is none. Throws the system's own words. */
export function makeDirectory(path: string): void {
  mkdirSync(dirname(resolve(path)), { recursive: true })
  try {
    // Not all in one: a recursive mkdir of Node's says ENOENT where the disk may only be read.
    mkdirSync(path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    if (!statSync(path).isDirectory()) throw new Error(`${path} is a file, not a directory`)
  }
}

/** Brings what was made in a directory to the disk: who flushes a file has not flushed the entry that leads to it. */
export function syncDirectory(path: string): void {
  // Windows cannot open a directory, and writes its entries through.
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** The same, and the entry of the directory itself. */
export function syncDirectoryAndEntry(path: string): void {
  syncDirectory(path)
  try {
    syncDirectory(dirname(resolve(path)))
  } catch (error) {
    // Who may not read there was given its directory by somebody else, who made it to stay: systemd's /var/lib/private.
    if (!hasCode(error, 'EACCES')) throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

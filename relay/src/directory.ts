// Directories as the relay needs them: made where they are not, and their entries on the disk. Never looks into one.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Makes a directory, and those that lead to it, where there is none; these are then on the disk. Throws the system's own words. */
export function makeDirectory(path: string): void {
  if (isDirectory(path)) return
  // Not all in one: a recursive mkdir of Node's says ENOENT where the disk may only be read, and flushes nothing.
  makeDirectory(dirname(resolve(path)))
  try {
    mkdirSync(path)
  } catch (error) {
    // Another process was faster.
    if (!isDirectory(path)) throw error
  }
  syncEntry(path)
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
  syncEntry(path)
}

function syncEntry(path: string): void {
  try {
    syncDirectory(dirname(resolve(path)))
  } catch (error) {
    // Who may not read there was given its directory by somebody else, who made it to stay: systemd's /var/lib/private.
    const isUnreadable = error instanceof Error && 'code' in error && error.code === 'EACCES'
    if (!isUnreadable) throw error
  }
}

function isDirectory(path: string): boolean {
  // Not by statSync's throwIfNoEntry: what it makes of a file in the way differs from version to version of Node.
  if (!existsSync(path)) return false
  if (!statSync(path).isDirectory()) throw new Error(`${path} is a file, not a directory`)
  return true
}

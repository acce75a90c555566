// Which file is which document. Names come from other devices: none may point outside the folder, or at our own files.
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from './disk.ts'

/** Where the SDK's store, and what the files were last known to say, are kept. */
export const OWN_DIRECTORY = '.tidemark'

/** A Markdown file that no document can stand for, and why. */
export type LeaveAlone = (path: string, why: string) => void

/**
 * The Markdown files below a directory: path in the folder, with forward slashes, by name. macOS may write a name in
 * another Unicode form than it was given, so that names are compared in NFC. What is hidden is not looked at. None
 * where there is no such directory.
 */
export async function filesIn(
  directory: string,
  leaveAlone: LeaveAlone = () => undefined,
  below = '',
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await entriesOf(join(directory, below))) {
    if (entry.name.startsWith('.')) continue
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    const name = path.normalize('NFC')
    if (entry.isDirectory()) {
      for (const [inner, innerPath] of await filesIn(directory, leaveAlone, path)) found.set(inner, innerPath)
    } else if (!/\.md$/i.test(entry.name)) continue
    else if (!entry.isFile()) leaveAlone(path, 'it is a link, and is left alone')
    else if (!isNameOfFile(name)) leaveAlone(path, 'no file of this name can be kept in sync: give it another one')
    else if (found.has(name)) leaveAlone(path, 'another file has this name in other Unicode characters: rename one')
    else found.set(name, path)
  }
  return found
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Whether a document of this name may become a file of the folder. Some of these characters mean something on other systems. */
export function isNameOfFile(name: string): boolean {
  const segments = name.split('/')
  const isOneForm = name === name.normalize('NFC')
  return isOneForm && name.endsWith('.md') && segments.every((it) => /^[^.\\/:*?"<>|][^\\/:*?"<>|]*$/.test(it))
}

/**
 * Whether a name that no file of the folder has would lead somewhere nevertheless: through a link, or, where upper and lower
 * case are the same, to a file of another name.
 */
export async function isTaken(directory: string, name: string): Promise<boolean> {
  const segments = name.split('/')
  try {
    for (let depth = 1; depth < segments.length; depth++) {
      if ((await lstat(join(directory, ...segments.slice(0, depth)))).isSymbolicLink()) return true
    }
    await lstat(join(directory, name))
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

// Which file is which document. Names come from other devices: none may point outside the folder, or at our own files.
import type { Dirent } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from './disk.ts'

/** Where the SDK's store, and what the files were last known to say, are kept. */
export const OWN_DIRECTORY = '.tidemark'

const LINK = 'it is a link, and is left alone'

/**
 * A part of a path that every system allows and takes as it is: Windows drops a dot or a blank at the end, and what is written
 * to `aux.md` is gone.
 */
const SEGMENT = /^(?!\.|(con|prn|aux|nul|com\d|lpt\d)(\.|$))[^\\/:*?"<>|\p{Cc}]*[^\\/:*?"<>|\p{Cc}. ]$/iu

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
    } else if (await isLinkToDirectory(entry, join(directory, path))) leaveAlone(path, LINK)
    else if (!/\.md$/i.test(entry.name)) continue
    else if (!entry.isFile()) leaveAlone(path, LINK)
    else if (!isNameOfFile(name)) leaveAlone(path, 'no file of this name can be kept in sync: give it another one')
    else if (found.has(name)) leaveAlone(path, 'another file has this name in other Unicode characters: rename one')
    else found.set(name, path)
  }
  return found
}

/** There may be chapters in it. */
async function isLinkToDirectory(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return false
  // One that leads nowhere is no directory.
  const target = await stat(path).catch(() => null)
  return target?.isDirectory() === true
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Whether a document of this name may become a file of the folder. */
export function isNameOfFile(name: string): boolean {
  const isOneForm = name === name.normalize('NFC')
  return isOneForm && name.endsWith('.md') && name.split('/').every((it) => SEGMENT.test(it))
}

/** Another name for a file, which is not that of any other file also where upper and lower case are the same. */
export function caseMarked(name: string): string {
  return name.replace(/[\p{Lu}^]/gu, '^$&')
}

export function ofCaseMarked(marked: string): string {
  return marked.replace(/\^(.)/gu, '$1')
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

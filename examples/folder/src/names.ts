// Which file is which document. Names come from other devices: none may point outside the folder, or at our own files.
import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from './disk.ts'

/** Where the SDK's store, and what the files were last known to say, are kept. */
export const OWN_DIRECTORY = '.tidemark'

/**
 * The Markdown files below a directory: path in the folder, with forward slashes, by name. macOS may write a name in
 * another Unicode form than it was given, so that names are compared in NFC. Hidden folders and links are left alone. None
 * where there is no such directory.
 */
export async function filesIn(directory: string, below = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await entriesOf(join(directory, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory() && !entry.name.startsWith('.')) {
      for (const [name, inner] of await filesIn(directory, path)) found.set(name, inner)
    } else if (entry.isFile() && isNameOfFile(path.normalize('NFC'))) found.set(path.normalize('NFC'), path)
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

/** Whether a document of this name may become a file of the folder. */
export function isNameOfFile(name: string): boolean {
  const segments = name.split('/')
  return name.endsWith('.md') && segments.every((segment) => /^[^.\\/:*?"<>|][^\\/:*?"<>|]*$/.test(segment))
}

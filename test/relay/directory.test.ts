// Directories that the relay makes: what leads to the data is on the disk before anything in it is acknowledged.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeDirectory, syncDirectoryAndEntry } from '../../relay/src/directory.ts'

const opened = vi.hoisted(() => new Map<number, string>())
const flushed = vi.hoisted(() => [] as string[])

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>()
  const openSync = (path: string, flags: string): number => {
    const descriptor = fs.openSync(path, flags)
    opened.set(descriptor, path)
    return descriptor
  }
  const fsyncSync = (descriptor: number): void => {
    fs.fsyncSync(descriptor)
    flushed.push(opened.get(descriptor) ?? '')
  }
  return { ...fs, openSync, fsyncSync }
})

let root = ''

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-directory-')))
  flushed.length = 0
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function flushedInRoot(): readonly string[] {
  return flushed.map((path) => relative(root, path))
}

describe.runIf(process.platform !== 'win32')('a directory', () => {
  it('that is made is on the disk, and so are those made above it', () => {
    makeDirectory(join(root, 'a', 'b', 'c'))
    expect(flushedInRoot()).toEqual(['', 'a', join('a', 'b')])
  })

  it('that was there is flushed when it is asked for, and its entry', () => {
    makeDirectory(root)
    expect(flushed).toEqual([])
    makeDirectory(`${root}/a/`)
    flushed.length = 0
    syncDirectoryAndEntry(join(root, 'a'))
    expect(flushedInRoot()).toEqual(['a', ''])
  })

  it('that is the root of a disk is one', () => {
    makeDirectory('/')
    makeDirectory('.')
  })

  it('in whose way a file stands is refused, with the name of that', () => {
    writeFileSync(join(root, 'file'), '')
    for (const path of [join(root, 'file'), join(root, 'file', 'data')])
      expect(() => makeDirectory(path)).toThrow(`${join(root, 'file')} is a file, not a directory`)
  })
})

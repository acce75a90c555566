// The example that keeps a folder of Markdown files in sync: two folders, a real relay, and everything that a writer does to
// files behind its back.
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { caseMarked, isNameOfFile, ofCaseMarked } from '../../examples/folder/src/names.ts'
import { home, Machine, two } from './folder-machines.ts'

describe('two folders', () => {
  it('hold the same files, in folders too, and what is typed into one comes to the other', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'Call me Ishmael.\n')
    await laptop.write('part 2/Kapitel Ä.md', 'Loomings 🐋\r\n')
    await laptop.sync()
    await desktop.sync()
    expect(await desktop.names()).toEqual(await laptop.names())
    expect(await desktop.read('part 2/Kapitel Ä.md')).toBe('Loomings 🐋\r\n')
    await desktop.write('one.md', 'Call me Ishmael. Some years ago\n')
    await desktop.sync()
    await laptop.sync()
    expect(await laptop.read('one.md')).toBe('Call me Ishmael. Some years ago\n')
  })

  it('merge what was typed on both while neither could see the other, and while the command was not running', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'The first line.\n\nThe last line.\n')
    await laptop.sync()
    await desktop.sync()
    await laptop.stop()
    await laptop.write('one.md', 'The very first line.\n\nThe last line.\n')
    await desktop.write('one.md', 'The first line.\n\nThe last line of all.\n')
    await desktop.sync()
    await laptop.restart()
    await laptop.sync()
    await desktop.sync()
    for (const machine of [laptop, desktop]) {
      expect(await machine.read('one.md')).toBe('The very first line.\n\nThe last line of all.\n')
    }
  })

  it('that begin with the same files hold them once', async () => {
    const [laptop, desktop] = two()
    for (const machine of [laptop, desktop]) await machine.write('one.md', 'The same on both.')
    await laptop.sync()
    await desktop.sync()
    await laptop.sync()
    for (const machine of [laptop, desktop]) {
      expect(await machine.names()).toEqual(['one.md'])
      expect(await machine.read('one.md')).toBe('The same on both.')
    }
  })

  it('that begin with different files of one name hold both', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'Written on the laptop.')
    await desktop.write('one.md', 'Written at the desk.')
    await laptop.sync()
    await desktop.sync()
    await laptop.sync()
    const names = await laptop.names()
    expect(names).toHaveLength(2)
    expect(await desktop.names()).toEqual(names)
    const texts = await Promise.all(names.map((name) => laptop.read(name)))
    expect(texts.sort()).toEqual(['Written at the desk.', 'Written on the laptop.'])
  })

  it('follow a rename, and keep aside what was deleted elsewhere', async () => {
    const [laptop, desktop] = two()
    await laptop.write('draft.md', 'Words.')
    await laptop.write('other.md', 'Other words.')
    await laptop.sync()
    await desktop.sync()
    await rename(join(laptop.directory, 'draft.md'), join(laptop.directory, 'final.md'))
    await laptop.sync()
    await desktop.write('draft.md', 'Words. Not seen by the other.')
    await desktop.sync()
    expect(await desktop.names()).toEqual(['final.md', 'other.md'])
    const [aside] = await readdir(join(desktop.directory, '.tidemark', 'deleted'))
    const kept = await readFile(join(desktop.directory, '.tidemark', 'deleted', aside ?? ''), 'utf8')
    expect(kept).toBe('Words. Not seen by the other.')
    // The name is free again.
    await desktop.write('draft.md', 'Anew.')
    await desktop.sync()
    await laptop.sync()
    expect(await laptop.read('draft.md')).toBe('Anew.')
  })

  it('delete for both what is deleted on one, of many files, too', async () => {
    const [laptop, desktop] = two()
    // So many that a burst asks only for what has changed.
    for (let chapter = 0; chapter < 40; chapter++) await laptop.write(`${chapter}.md`, `Chapter ${chapter}`)
    for (const machine of [laptop, desktop]) await machine.sync()
    await rm(laptop.path('7.md'))
    await laptop.sync()
    await desktop.sync()
    expect(await desktop.names()).not.toContain('7.md')
    expect(await desktop.names()).toHaveLength(39)
  })

  it('bring a deleted file back if somebody wrote to it first', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'Words.')
    await laptop.write('other.md', 'Other words.')
    await laptop.sync()
    await desktop.sync()
    await desktop.write('one.md', 'Words, and more.')
    await desktop.sync()
    await rm(join(laptop.directory, 'one.md'))
    await laptop.sync()
    await laptop.sync()
    expect(await laptop.read('one.md')).toBe('Words, and more.')
    await desktop.sync()
    expect(await desktop.read('one.md')).toBe('Words, and more.')
  })
})

describe('a folder', () => {
  it('that is suddenly empty deletes nothing', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'Words.')
    await laptop.sync()
    await laptop.write('one.md', 'Words that no relay has.')
    await laptop.reconcile()
    await rm(laptop.path('one.md'))
    const message = await laptop.reconcile().then(String, (error: Error) => error.message)
    expect(message).toContain('is empty now')
    await desktop.sync()
    expect(await desktop.read('one.md')).toBe('Words.')
    const remembered = message.match(/rename (.*) and start/)?.[1] ?? ''
    await rename(remembered, `${remembered}.old`)
    await laptop.restart()
    await laptop.sync()
    expect(await laptop.read('one.md')).toBe('Words that no relay has.')
  })

  it('takes no name that is another one on Windows, or none', () => {
    const names = ['aux.md', 'NUL.md', 'com1.draft.md', 'con/x.md', 'part./x.md', 'part /x.md', 'a\tb.md', '.x/y.md']
    expect(names.filter(isNameOfFile)).toEqual([])
    expect(['auxiliary.md', 'a.md', '鲸 1.md', ' x.md', 'part 1.b/x y .md'].every(isNameOfFile)).toBe(true)
  })

  it('remembers two files apart whose names differ in upper and lower case', () => {
    const names = ['A.md', 'a.md', '^a.md', '^A.md', '^^A.md', 'É/x.md', 'é/x.md', 'É/X.md']
    expect(new Set(names.map((name) => caseMarked(name).toLowerCase())).size).toBe(names.length)
    expect(names.map(caseMarked).map(ofCaseMarked)).toEqual(names)
  })

  it('does not write over what its writer has saved in the very moment', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'Words.')
    await laptop.sync()
    await desktop.sync()
    await desktop.write('one.md', 'More words.')
    await desktop.sync()
    await laptop.write('one.md', 'Words. Saved just now.')
    await laptop.sync()
    expect(await laptop.read('one.md')).toBe('More words. Saved just now.')
  })

  it('takes no name that points out of it, and leaves alone what is no text', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'Words.')
    await laptop.write('picture.md', Uint8Array.of(0xff, 0xfe, 0x00))
    const stranger = new Machine('stranger')
    for (const name of ['../../outside.md', '.tidemark/store/x.md', 'a\\b.md', 'plain.txt', 'x//y.md']) {
      const document = await stranger.folder.tidemark.open(`alice/${name}`)
      document.doc.getText('text').insert(0, 'from a stranger')
    }
    await stranger.folder.tidemark.sync()
    await stranger.stop()
    await laptop.sync()
    await desktop.sync()
    expect(await laptop.names()).toEqual(['one.md', 'picture.md'])
    expect(await desktop.names()).toEqual(['one.md'])
    expect((await readdir(home)).sort()).toEqual(['desktop', 'laptop', 'relay', 'stranger'])
    expect(laptop.said.filter((line) => line.startsWith('picture.md'))).toEqual([
      'picture.md: it is not UTF-8 text, and is left alone',
    ])
  })
})

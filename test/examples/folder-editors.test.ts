// The folder example beside real editors: how they save, what they leave lying about, and when they do it.
import { chmodSync, closeSync, openSync, readdirSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { lstat, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Replica } from '../../examples/folder/src/replica.ts'
import { home, type Machine, two } from './folder-machines.ts'

/** Both have it. */
async function both(machines: readonly [Machine, Machine], name: string, text: string): Promise<void> {
  await machines[0].write(name, text)
  for (const machine of machines) await machine.sync()
}

/** A change is on its way to the laptop, and in its store. */
async function editElsewhere([laptop, desktop]: readonly [Machine, Machine], text: string): Promise<void> {
  await desktop.write('one.md', text)
  await desktop.sync()
  await laptop.folder.tidemark.sync()
}

/** An editor of the laptop has written to a file that was open when it was replaced. */
async function twoWithLateSave(): Promise<[Machine, Machine]> {
  const machines = two()
  const [laptop] = machines
  await both(machines, 'one.md', 'Words.\n')
  await editElsewhere(machines, 'Others’ words.\nWords.\n')
  const editor = openSync(laptop.path('one.md'), 'r+')
  await laptop.reconcile()
  expect(await laptop.read('one.md')).toBe('Others’ words.\nWords.\n')
  writeSync(editor, 'Words.\nSaved a moment later.\n', 0)
  closeSync(editor)
  return machines
}

async function expectLateSave(machines: readonly [Machine, Machine]): Promise<void> {
  for (const machine of [...machines, ...machines]) await machine.sync()
  for (const machine of machines) {
    expect(await machine.read('one.md')).toBe('Others’ words.\nWords.\nSaved a moment later.\n')
  }
}

describe('a save', () => {
  it('between the last look at a file and its replacement is merged', async () => {
    const machines = two()
    const [laptop] = machines
    await both(machines, 'one.md', 'Words.\n')
    await editElsewhere(machines, 'Others’ words.\nWords.\n')
    const isDone = laptop.reconcile().then(() => true)
    // The file that is to replace it is being written.
    const isBegun = (): boolean => readdirSync(laptop.path('.tidemark/replicas')).some((it) => it.endsWith('.prepared'))
    while (!isBegun()) if (await Promise.race([isDone, setImmediate(false)])) throw new Error('Nothing was replaced')
    writeFileSync(laptop.path('one.md'), 'Words.\nSaved in this moment.\n')
    await isDone
    await laptop.sync()
    expect(await laptop.read('one.md')).toBe('Others’ words.\nWords.\nSaved in this moment.\n')
  })

  it('of an editor that had the file open when it was replaced is merged, and once', async () => {
    const machines = await twoWithLateSave()
    const [laptop] = machines
    await laptop.restart()
    await expectLateSave(machines)
  })

  it('of such an editor is merged also if the command was killed when it had found it, and not shared it', async () => {
    const machines = await twoWithLateSave()
    const [laptop] = machines
    await laptop.stop()
    const [path, workshop] = [laptop.path('.tidemark/replicas/one.md'), laptop.path('.tidemark/workshop')]
    await Replica.rescue({ path, workshop })
    await laptop.restart()
    await expectLateSave(machines)
  })

  it('in two steps, emptied and then written, is not taken for a deletion of everything', async () => {
    const machines = two()
    const [laptop, desktop] = machines
    await both(machines, 'one.md', 'The first line.\nThe last line.\n')
    const editor = openSync(laptop.path('one.md'), 'w')
    const isDone = laptop.reconcile()
    await new Promise((resolve) => setTimeout(resolve, 300))
    writeSync(editor, 'The first line.\nThe very last line.\n')
    closeSync(editor)
    await desktop.write('one.md', 'The very first line.\nThe last line.\n')
    await isDone
    for (const machine of [laptop, desktop, laptop]) await machine.sync()
    expect(await laptop.read('one.md')).toBe('The very first line.\nThe very last line.\n')
    expect(laptop.said.filter((line) => line === 'one.md: edited here')).toHaveLength(1)
  })

  it('by way of another file is an edit, and what editors leave lying about is no chapter', async () => {
    const machines = two()
    const [laptop, desktop] = machines
    await both(machines, 'one.md', 'Words.')
    for (const name of ['.one.md.swp', 'one.md~', '#one.md#', '.#one.md', '~$one.docx', 'one.md.tmp']) {
      await laptop.write(name, 'not a chapter')
    }
    await rename(laptop.path('one.md'), laptop.path('one.md.bak'))
    // For a moment the folder is empty.
    const isDone = laptop.reconcile()
    await laptop.write('one.md.new', 'Words, more of them.')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await rename(laptop.path('one.md.new'), laptop.path('one.md'))
    await isDone
    for (const machine of machines) await machine.sync()
    expect(await desktop.names()).toEqual(['one.md'])
    expect(await desktop.read('one.md')).toBe('Words, more of them.')
    expect(laptop.folder.filesLeftAlone).toBe(0)
  })
})

describe('a file that is gone for a moment while its editor saves it', () => {
  it('is not deleted for all by a command that syncs quickly', async () => {
    const machines = two()
    const [laptop, desktop] = machines
    await both(machines, 'one.md', 'Words.')
    await laptop.write('two.md', 'The folder is not empty.')
    await rename(laptop.path('one.md'), laptop.path('one.md.bak'))
    const isDone = laptop.sync()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await laptop.write('one.md', 'Words, more of them.')
    await isDone
    for (const machine of [laptop, desktop]) await machine.sync()
    expect(await desktop.read('one.md')).toBe('Words, more of them.')
    expect([...laptop.said, ...desktop.said].filter((line) => line.includes('deleted'))).toEqual([])
  })
})

describe('a file that comes back from another machine', () => {
  it('is as open to others as it was', async () => {
    const machines = two()
    const [laptop] = machines
    await both(machines, 'one.md', 'A diary.')
    chmodSync(laptop.path('one.md'), 0o400)
    await editElsewhere(machines, 'A diary, gone on with.')
    await laptop.reconcile()
    expect(await laptop.read('one.md')).toBe('A diary, gone on with.')
    expect(statSync(laptop.path('one.md')).mode & 0o777).toBe(0o400)
  })

  it('does not take the place of a link', async () => {
    const machines = two()
    const [laptop, desktop] = machines
    await both(machines, 'one.md', 'Words.')
    await both(machines, 'part/two.md', 'Words.')
    await rename(laptop.path('one.md'), join(home, 'one.md'))
    await rename(laptop.path('part'), join(home, 'part'))
    symlinkSync(join(home, 'one.md'), laptop.path('one.md'))
    symlinkSync(join(home, 'part'), laptop.path('part'))
    await laptop.write('three.md', 'The folder is not empty.')
    await desktop.write('part/new.md', 'Not beyond the link.')
    await editElsewhere(machines, 'More words.')
    await laptop.sync()
    await laptop.sync()
    expect((await lstat(laptop.path('one.md'))).isSymbolicLink()).toBe(true)
    expect(await readFile(join(home, 'one.md'), 'utf8')).toBe('Words.')
    expect(await readdir(join(home, 'part'))).toEqual(['two.md'])
    await desktop.sync()
    expect(await desktop.names()).toEqual(['one.md', 'part/new.md', 'part/two.md', 'three.md'])
    expect(laptop.folder.filesLeftAlone).toBe(4)
    expect(laptop.said.filter((line) => /^(one\.md|part): it is a link/.test(line))).toHaveLength(2)
  })
})

describe('nothing is thrown away', () => {
  it('of two conflicts in a day', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'On the laptop.')
    await laptop.sync()
    for (const text of ['First at the desk.', 'Second at the desk.']) {
      await desktop.stop()
      await rm(desktop.path('.tidemark'), { recursive: true, force: true })
      await desktop.write('one.md', text)
      await desktop.restart()
      await desktop.sync()
    }
    const texts = await Promise.all((await desktop.names()).map((name) => desktop.read(name)))
    expect(texts.sort()).toEqual(['First at the desk.', 'On the laptop.', 'Second at the desk.'])
  })

  it('of a file that was deleted by mistake, also on the machine where it was', async () => {
    const [laptop] = two()
    await laptop.write('one.md', 'Words that are nowhere else.')
    await laptop.write('two.md', 'Other words.')
    await laptop.sync()
    await rm(laptop.path('one.md'))
    await laptop.sync()
    await laptop.sync()
    const aside = laptop.path('.tidemark/deleted')
    const [kept] = await readdir(aside)
    expect(await readFile(join(aside, kept ?? ''), 'utf8')).toBe('Words that are nowhere else.')
  })

  it('of a chapter that was begun anew, while another machine was killed as it put the old one away', async () => {
    const machines = two()
    const [laptop, desktop] = machines
    await both(machines, 'one.md', 'Words.')
    await both(machines, 'two.md', 'The folder is not empty.')
    await rm(desktop.path('one.md'))
    await desktop.sync()
    await laptop.folder.tidemark.sync()
    await laptop.stop()
    await rename(laptop.path('one.md'), join(home, 'put away'))
    await desktop.write('one.md', 'Begun anew.')
    await desktop.sync()
    await laptop.restart()
    for (const machine of [laptop, desktop, laptop]) await machine.sync()
    for (const machine of machines) expect(await machine.read('one.md')).toBe('Begun anew.')
  })

  it('of a chapter that was emptied: a machine that joins then does not delete it', async () => {
    const [laptop, desktop] = two()
    await laptop.write('one.md', 'Words.')
    await laptop.write('two.md', 'Other words.')
    await laptop.sync()
    await laptop.write('one.md', '')
    await laptop.sync()
    for (const machine of [desktop, desktop, laptop]) await machine.sync()
    expect(await desktop.names()).toEqual(['one.md', 'two.md'])
    expect(await laptop.names()).toEqual(['one.md', 'two.md'])
  })
})

describe('two machines that begin at the same moment', () => {
  it('with copies of one folder have each chapter once', async () => {
    const machines = two()
    for (const machine of machines) await machine.sync()
    for (const machine of machines) await machine.write('one.md', 'The same on both.')
    for (const machine of machines) await machine.reconcile()
    for (const machine of [...machines, ...machines]) await machine.sync()
    for (const machine of machines) expect(await machine.read('one.md')).toBe('The same on both.')
  })
})

describe('a file that cannot be kept in sync', () => {
  it('is named, and so is not said to be safe', async () => {
    const [laptop] = two()
    await laptop.write('What now?.md', 'A question.')
    await laptop.write('CAPITALS.MD', 'Loud.')
    await laptop.write('Kapitel Ö.md'.normalize('NFC'), 'composed')
    await laptop.write('Kapitel Ö.md'.normalize('NFD'), 'decomposed')
    await laptop.sync()
    await laptop.sync()
    expect(laptop.folder.filesLeftAlone).toBe(3)
    expect(laptop.said.filter((line) => /^(What now\?\.md|CAPITALS\.MD|Kapitel .*): .* name/.test(line))).toHaveLength(
      3,
    )
    await rename(laptop.path('What now?.md'), laptop.path('What now.md'))
    await rm(laptop.path('CAPITALS.MD'))
    await rm(laptop.path('Kapitel Ö.md'.normalize('NFD')))
    await writeFile(laptop.path('fine.md'), 'Fine.')
    await laptop.sync()
    expect(laptop.folder.filesLeftAlone).toBe(0)
  })
})

// What a file store leaves on the disk: how much, under which names, in which format, and for whom.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import { encodeFrame } from '../../../client/src/node/file-store-frames.ts'
import { appending, texts } from './rows.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-layout-'))
})
afterEach(() => rm(directory, { recursive: true }))

const rowsFiles = (): Promise<string[]> => readdir(join(directory, 'rows'))

async function rowsBytes(): Promise<number> {
  const sizes = (await rowsFiles()).map(async (name) => (await stat(join(directory, 'rows', name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

describe('the space that a file store takes', () => {
  it('stays within twice its rows, however often they are replaced one by one', async () => {
    const store = await fileStore(directory).open()
    const text = 'x'.repeat(1000)
    let ids = [...(await store.commit(appending('d', ...Array<string>(20).fill(text))))]
    for (let round = 0; round < 200; round++) {
      const [oldest, ...others] = ids as [number, ...number[]]
      const appended = await store.commit({ remove: [{ documentId: 'd', ids: [oldest] }], ...appending('d', text) })
      ids = [...others, ...appended]
      expect(await rowsBytes()).toBeLessThan(2 * 20 * 1014 + 2 * 1014 + 100)
      expect(await rowsFiles()).toHaveLength(1)
    }
    expect((await store.rows('d')).map(({ id }) => id)).toEqual(ids)
    await store.close()
  })

  it('is given back when a document has no rows any more', async () => {
    const store = await fileStore(directory).open()
    const ids = await store.commit(appending('d', 'one', 'two'))
    await store.commit({ remove: [{ documentId: 'd', ids }] })
    expect(await rowsFiles()).toEqual([])
    expect(await store.commit(appending('d', 'three'))).toEqual([3])
    await store.close()
  })

  it('is bounded for records that change often, and survives the rewriting', async () => {
    const bytes = new Uint8Array(20_000)
    for (let opened = 0; opened < 3; opened++) {
      const store = await fileStore(directory).open()
      for (let i = 0; i < 60; i++)
        await store.commit({ ...appending('d', `${i}`), records: [{ key: `k${i % 3}`, bytes }] })
      expect((await stat(join(directory, 'journal'))).size).toBeLessThan(500_000)
      expect([await store.rows('d'), await store.records('')].map(({ length }) => length)).toEqual([
        60 * (opened + 1),
        3,
      ])
      await store.close()
    }
  })

  it('is freed at the next start of what crashed commits have left', async () => {
    const store = await fileStore(directory).open()
    await store.commit(appending('d', 'kept'))
    await store.close()
    await writeFile(join(directory, 'rows', `${'0'.repeat(64)}.1`), 'left by a crash')
    await writeFile(join(directory, 'journal.new'), 'left by a crash')
    const again = await fileStore(directory).open()
    expect(await rowsFiles()).toHaveLength(1)
    expect(texts(await again.rows('d'))).toEqual(['kept'])
    await again.close()
    expect((await readdir(directory)).sort()).toEqual(['journal', 'rows'])
  })
})

describe('the format of a file store', () => {
  it('is refused with both versions when it is unknown', async () => {
    const name = Buffer.from('tidemark device store')
    const header = Buffer.concat([Buffer.of(name.byteLength), name, Buffer.of(9, 0)])
    await writeFile(join(directory, 'journal'), encodeFrame(0, header))
    await expect(fileStore(directory).open()).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringMatching(/format 9.*format 1/),
    })
  })

  it('is refused when the journal is something else or empty, and the file stays as it was', async () => {
    for (const text of ['', 'something else', 'x'.repeat(1000)]) {
      await writeFile(join(directory, 'journal'), text)
      await expect(fileStore(directory).open()).rejects.toMatchObject({ code: 'FAILED' })
      expect(await readFile(join(directory, 'journal'), 'utf8')).toBe(text)
    }
  })

  it('needs a directory that can be written', async () => {
    await writeFile(join(directory, 'a file'), '')
    await expect(fileStore(join(directory, 'a file', 'store')).open()).rejects.toMatchObject({ code: 'FAILED' })
  })
})

describe('the lock of a file store', () => {
  const lockNames = async (): Promise<string[]> => (await readdir(directory)).filter((name) => name.startsWith('lock.'))

  it('names the process that has it, and goes with it', async () => {
    const store = await fileStore(directory).open()
    await expect(fileStore(directory).open()).rejects.toMatchObject({
      code: 'IN_USE',
      message: expect.stringContaining(`${process.pid}`),
    })
    expect(await lockNames()).toHaveLength(1)
    await store.close()
    expect(await lockNames()).toEqual([])
  })

  it('is given to one only when several ask at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => fileStore(directory).open()))
    const opened = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(opened.length).toBeLessThanOrEqual(1)
    await opened[0]?.close()
    await (await fileStore(directory).open()).close()
  })

  it('of a living process is respected, of a dead one removed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await mkdir(directory, { recursive: true })
    const name = `lock.${child.pid}.0.${Date.now()}.0123-abcd`
    await writeFile(join(directory, name), '')
    await expect(fileStore(directory).open()).rejects.toMatchObject({
      code: 'IN_USE',
      message: expect.stringContaining(`process ${child.pid}`),
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    await (await fileStore(directory).open()).close()
    expect(await lockNames()).toEqual([])
  })

  it('of an earlier process with the same pid, or from before the system started, is removed', async () => {
    const names = [`lock.${process.pid}.0.1000.0123-abcd`]
    if (process.platform === 'linux') names.push(`lock.${process.pid}.0badb007-1.${Date.now()}.0123-abcd`)
    for (const name of names) {
      await writeFile(join(directory, name), '')
      await (await fileStore(directory).open()).close()
      expect(await lockNames()).toEqual([])
    }
  })
})

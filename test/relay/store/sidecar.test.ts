// What stands beside the data: a copy that is put in place gets a new epoch, and what is only a restart does not.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Logger } from '../../../relay/src/logger.ts'
import { appendText, judge } from '../../../relay/src/store/conformance/subject.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { Sidecar } from '../../../relay/src/store/lmdb/sidecar.ts'

const NOVEL = 'alice/novel'
const EPOCH = new Uint8Array(16).fill(7)
const directories: string[] = []

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

describe('the epoch of data that', () => {
  it('was closed and opened again is the same, empty or not', async () => {
    const directory = newDirectory()
    const epoch = await epochOf(directory)
    expect(await epochOf(directory)).toBe(epoch)
    await write(directory, ['one'])
    expect(await epochOf(directory)).toBe(epoch)
  })

  it('was left in the middle of its work is the same: the sidecar is behind, never ahead', async () => {
    const directory = newDirectory()
    const store = await openLmdbStore({ directory })
    await appendText(store, NOVEL, 'one')
    const crashed = newDirectory()
    copyAll(directory, crashed)
    await appendText(store, NOVEL, 'two')
    await store.close()
    expect(await epochOf(crashed)).toBe(hex(store.epoch))
  })

  it('was replaced by an older copy is new, and stays', async () => {
    const directory = newDirectory()
    await write(directory, ['one'])
    const kept = newDirectory()
    cpSync(dataIn(directory), dataIn(kept))
    await write(directory, ['two'])
    const epoch = await epochOf(directory)
    cpSync(dataIn(kept), dataIn(directory))
    const log = new WarningLog()
    const restored = await openLmdbStore({ directory, logger: log })
    expect(hex(restored.epoch)).not.toBe(epoch)
    expect((await judge(restored, NOVEL)).head).toBe(1)
    expect(log.warnings).toEqual(['the data is a copy that was put in place: it gets a new epoch'])
    await restored.close()
    expect(await epochOf(directory)).toBe(hex(restored.epoch))
  })

  it('comes without its sidecar is new, unless it never held anything', async () => {
    const directory = newDirectory()
    const empty = await epochOf(directory)
    const bare = newDirectory()
    cpSync(dataIn(directory), dataIn(bare))
    expect(await epochOf(bare)).toBe(empty)
    await write(directory, ['one'])
    const copied = newDirectory()
    cpSync(dataIn(directory), dataIn(copied))
    expect(await epochOf(copied)).not.toBe(empty)
  })

  it('is that of another relay is new, also where that relay is further', async () => {
    const [directory, other] = [newDirectory(), newDirectory()]
    await write(directory, ['one'])
    await write(other, ['one', 'two', 'three'])
    const epochs = [await epochOf(directory), await epochOf(other)]
    cpSync(dataIn(other), dataIn(directory))
    expect(epochs).not.toContain(await epochOf(directory))
  })

  it('has a sidecar that cannot be read is new, which is said', async () => {
    const directory = newDirectory()
    await write(directory, ['one'])
    const epoch = await epochOf(directory)
    for (const contents of ['', '{"format":1,"ep', '{"format":2}']) {
      writeFileSync(join(directory, 'sidecar.json'), contents)
      const log = new WarningLog()
      const store = await openLmdbStore({ directory, logger: log })
      expect(hex(store.epoch)).not.toBe(epoch)
      expect(log.warnings[0]).toContain(join(directory, 'sidecar.json'))
      await store.close()
    }
  })

  it('is gone, though its sidecar knows of entries, begins anew, which is said', async () => {
    const directory = newDirectory()
    const log = new WarningLog()
    await (await openLmdbStore({ directory, logger: log })).close()
    await write(directory, ['one'])
    expect(log.warnings).toEqual([])
    rmSync(dataIn(directory))
    const store = await openLmdbStore({ directory, logger: log })
    expect((await judge(store, NOVEL)).head).toBe(0)
    expect(log.warnings).toEqual([expect.stringContaining('the data that was here is gone')])
    await store.close()
  })

  it('was rolled back together with its sidecar is the same: there the marks tell (case 27)', async () => {
    const directory = newDirectory()
    await write(directory, ['one'])
    const volume = newDirectory()
    copyAll(directory, volume)
    const store = await openLmdbStore({ directory })
    const { receipt } = await appendText(store, NOVEL, 'two')
    await store.close()
    rmSync(directory, { recursive: true })
    copyAll(volume, directory)
    const rolledBack = await openLmdbStore({ directory })
    expect(hex(rolledBack.epoch)).toBe(hex(store.epoch))
    expect((await judge(rolledBack, NOVEL, { receipt })).status).toBe('RESET')
    await rolledBack.close()
  })
})

describe('the sidecar', () => {
  it('is written at the start, now and then while there are commits, and at the end', async () => {
    const directory = newDirectory()
    const sidecar = await Sidecar.read({ directory, writeEveryMs: 30 })
    await sidecar.begin(EPOCH, { feedHead: 0, nextSerial: 1 })
    expect(readSidecar(directory)).toEqual({ format: 1, epoch: '07'.repeat(16), feedHead: 0, nextSerial: 1 })
    for (let feedHead = 1; feedHead <= 100; feedHead++) sidecar.committed({ feedHead, nextSerial: 2 })
    expect(readSidecar(directory)).toMatchObject({ feedHead: 0 })
    while (readSidecar(directory).feedHead !== 100) await sleep(5)
    sidecar.committed({ feedHead: 101, nextSerial: 3 })
    await sidecar.close()
    expect(readSidecar(directory)).toMatchObject({ feedHead: 101, nextSerial: 3 })
  })

  it('that cannot be written disturbs nobody, is said, and is written when it can be', async () => {
    const directory = join(newDirectory(), 'not there yet')
    const log = new WarningLog()
    const sidecar = await Sidecar.read({ directory, writeEveryMs: 20, logger: log })
    await sidecar.begin(EPOCH, { feedHead: 0, nextSerial: 1 })
    expect(log.warnings).toHaveLength(1)
    sidecar.committed({ feedHead: 1, nextSerial: 2 })
    while (log.warnings.length < 2) await sleep(5)
    mkdirSync(directory)
    while (!existsSync(join(directory, 'sidecar.json'))) await sleep(5)
    expect(readSidecar(directory)).toMatchObject({ feedHead: 1 })
    await sidecar.close()
  })
})

class WarningLog implements Logger {
  readonly warnings: string[] = []
  debug(): void {}
  info(): void {}
  error(): void {}
  warn(_fields: object, message: string): void {
    this.warnings.push(message)
  }
}

async function write(directory: string, texts: readonly string[]): Promise<void> {
  const store = await openLmdbStore({ directory })
  for (const text of texts) await appendText(store, NOVEL, text)
  await store.close()
}

async function epochOf(directory: string): Promise<string> {
  const store = await openLmdbStore({ directory })
  await store.close()
  return hex(store.epoch)
}

function dataIn(directory: string): string {
  return join(directory, 'data.mdb')
}

function copyAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of ['data.mdb', 'sidecar.json']) cpSync(join(from, name), join(to, name))
}

function readSidecar(directory: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(directory, 'sidecar.json'), 'utf8')) as Record<string, unknown>
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

function newDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-sidecar-')))
  directories.push(directory)
  return directory
}

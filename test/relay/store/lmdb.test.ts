// The LMDB store held to the contract, and what it does beyond it: one process, its format, its own bytes, and commits
// that are slow, fail or hang. What needs processes and disks to break is in lmdb-faults.test.ts.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { open } from 'lmdb'
import { afterEach, describe, expect, it } from 'vitest'
import {
  append,
  appendText,
  bytesPush,
  EMPTY,
  judge,
  readPage,
  readTexts,
  textPush,
} from '../../../relay/src/store/conformance/subject.ts'
import { type StoreUnderTest, storeContract } from '../../../relay/src/store/conformance.ts'
import type { RelayStore } from '../../../relay/src/store/contract.ts'
import { type LmdbStoreOptions, openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { heldCommits, newDirectory, removeDirectories, turn } from './lmdb-data.ts'

const NOVEL = 'alice/novel'

afterEach(removeDirectories)

describe('lmdb store, the contract', () => {
  storeContract(it, async (faults) => underTest({ directory: newDirectory(), ...faults }))
})

describe('lmdb store, the contract while every commit is held for two turns', () => {
  const aroundCommit = async (commit: () => Promise<void>): Promise<void> => {
    await turn()
    await commit()
    await turn()
  }
  storeContract(it, async (faults) => underTest({ directory: newDirectory(), aroundCommit, ...faults }))
})

describe('lmdb store, one process', () => {
  it('refuses to be opened twice, naming the process, and opens again once it is closed', async () => {
    const directory = newDirectory()
    const store = await openLmdbStore({ directory })
    const refused = { code: 'IN_USE', message: `The store in ${directory} is in use by process ${process.pid}` }
    await expect(openLmdbStore({ directory })).rejects.toMatchObject(refused)
    await expect(openLmdbStore({ directory: `${directory}/../${directory.split('/').at(-1)}/` })).rejects.toMatchObject(
      refused,
    )
    await appendText(store, NOVEL, 'still at work')
    await store.close()
    const again = await openLmdbStore({ directory })
    expect(await readTexts(again, NOVEL)).toEqual(['still at work'])
    await again.close()
  })

  it('opens a copy of data that is held', async () => {
    const directory = newDirectory()
    const store = await openLmdbStore({ directory })
    await appendText(store, NOVEL, 'held')
    const other = newDirectory()
    cpSync(join(directory, 'data.mdb'), join(other, 'data.mdb'))
    const copy = await openLmdbStore({ directory: other })
    expect(await readTexts(copy, NOVEL)).toEqual(['held'])
    await copy.close()
    await store.close()
  })

  it('fails, rather than write beside another process that took the data over', async () => {
    const directory = newDirectory()
    const store = await openLmdbStore({ directory })
    await appendText(store, NOVEL, 'one')
    changeMeta(directory, 'head', 'value.fill(1, 13)')
    await expect(store.append([textPush(NOVEL, 'two')])).rejects.toMatchObject({ code: 'STORAGE' })
    expect((await store.failed).cause).toMatchObject({ message: 'Another process has taken over the store' })
    expect(await readTexts(store, NOVEL)).toEqual(['one'])
    await store.close()
  })
})

describe('lmdb store, format', () => {
  it('refuses an unknown format version, naming what it found and expected', async () => {
    const directory = newDirectory()
    await (await openLmdbStore({ directory })).close()
    changeMeta(directory, 'store', 'value.writeUInt16BE(77)')
    await expect(openLmdbStore({ directory })).rejects.toMatchObject({
      code: 'UNKNOWN_FORMAT',
      message: `The store in ${directory} has an unknown format: found 77, expected 2`,
    })
    changeMeta(directory, 'store', 'value.writeUInt16BE(2)')
    await (await openLmdbStore({ directory })).close()
  })

  it('refuses LMDB data of something else, and leaves it as it was', async () => {
    const directory = newDirectory()
    const foreign = open({ path: directory, noSubdir: false, name: 'recipes' })
    await foreign.put('soup', 'salt')
    await foreign.close()
    await expect(openLmdbStore({ directory })).rejects.toMatchObject({ code: 'UNKNOWN_FORMAT' })
    const root = open({ path: directory, noSubdir: false })
    expect([...root.getKeys()]).toEqual(['recipes'])
    await root.close()
  })

  it('says why a directory cannot be opened', async () => {
    const directory = join(newDirectory(), 'a file', 'data')
    writeFileSync(dirname(directory), '')
    await expect(openLmdbStore({ directory })).rejects.toMatchObject({
      code: 'STORAGE',
      message: `The directory ${directory} cannot be made`,
    })
  })

  it('has bookmarks of incarnation, index and chain, and tags of chain and generation', async () => {
    const store = await openLmdbStore({ directory: newDirectory() })
    const pushes = [textPush(NOVEL, '1'), textPush(NOVEL, '2')]
    const results = await append(store, pushes)
    const incarnation = results[0]?.incarnation ?? EMPTY
    let chain = sha256(incarnation, Buffer.from(NOVEL)).subarray(0, 16)
    for (const [position, push] of pushes.entries()) {
      chain = sha256(chain, push.pushId).subarray(0, 16)
      const index = Buffer.from([0, 0, 0, 0, 0, position + 1])
      expect(Buffer.from(results[position]?.receipt ?? EMPTY)).toEqual(Buffer.concat([incarnation, index, chain]))
    }
    const tag = sha256(chain, Buffer.alloc(8)).subarray(0, 8)
    expect(Buffer.from((await readPage(store, NOVEL)).tag)).toEqual(Buffer.from(tag))
    await store.close()
  })
})

describe('lmdb store, commits', () => {
  it('shows and resolves nothing while a commit is held, and shares the next one (case 13)', async () => {
    const gate = heldCommits()
    const store = await openLmdbStore({ directory: newDirectory(), aroundCommit: gate.aroundCommit })
    const settled: string[] = []
    const first = appendText(store, NOVEL, '0').then(() => settled.push('0'))
    await gate.begun()
    const others = Array.from({ length: 50 }, (_, at) =>
      appendText(store, NOVEL, `${at + 1}`).then(() => settled.push(`${at + 1}`)),
    )
    for (let turns = 0; turns < 20; turns += 1) {
      expect((await judge(store, NOVEL)).status).toBe('NEW')
      expect((await store.feed({ vault: 'alice', mark: EMPTY, documentsMax: 10 })).documents).toEqual([])
      await turn()
    }
    expect(settled).toEqual([])
    gate.letThrough()
    await first
    expect(settled).toEqual(['0'])
    expect((await judge(store, NOVEL)).head).toBe(1)
    await gate.begun()
    gate.letThrough()
    await Promise.all(others)
    expect((await judge(store, NOVEL)).head).toBe(51)
    expect(gate.count()).toBe(2)
    await store.close()
  })

  it('recovers from a full disk: what was in the commit is refused and gone, what waited is stored', async () => {
    let full = false
    const gate = heldCommits()
    const aroundCommit = async (commit: () => Promise<void>): Promise<void> => {
      await gate.aroundCommit(async () => {
        if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        await commit()
      })
    }
    const store = await openLmdbStore({ directory: newDirectory(), aroundCommit })
    const one = appendText(store, NOVEL, 'one')
    await gate.begun()
    gate.letThrough()
    await one
    full = true
    const lost = store.append([
      textPush(NOVEL, 'lost'),
      textPush('alice/new', 'lost'),
      bytesPush(NOVEL, new Uint8Array(70_000)),
    ])
    await gate.begun()
    // A push that comes again while its first commit is under way, and one that builds on it.
    const again = append(store, [textPush(NOVEL, 'lost'), textPush('alice/new', 'two'), textPush(NOVEL, 'one')])
    gate.letThrough()
    await expect(lost).rejects.toMatchObject({ code: 'STORAGE', message: 'The disk is full' })
    full = false
    await gate.begun()
    gate.letThrough()
    expect((await again).map(({ index }) => index)).toEqual([2, 1, 1])
    expect(await readTexts(store, NOVEL)).toEqual(['one', 'lost'])
    expect(await readTexts(store, 'alice/new')).toEqual(['two'])
    expect(await store.usage('alice')).toEqual({ bytes: 10, documents: 2 })
    await store.close()
  })

  it('fails for good when a commit fails otherwise: refuses appends, goes on reading, and can be opened again', async () => {
    const directory = newDirectory()
    let broken = false
    const aroundCommit = async (commit: () => Promise<void>): Promise<void> => {
      if (broken) throw Object.assign(new Error('Input/output error'), { code: 5 })
      await commit()
    }
    const store = await openLmdbStore({ directory, aroundCommit })
    await appendText(store, NOVEL, 'one')
    broken = true
    const lost = store.append([textPush(NOVEL, 'lost')])
    await expect(lost).rejects.toMatchObject({ code: 'STORAGE' })
    expect((await store.failed).message).toBe('The store has failed: A commit failed')
    broken = false
    await expect(store.append([textPush(NOVEL, 'later')])).rejects.toMatchObject({ code: 'STORAGE' })
    expect(await readTexts(store, NOVEL)).toEqual(['one'])
    await store.close()
    const again = await openLmdbStore({ directory })
    expect(await readTexts(again, NOVEL)).toEqual(['one'])
    await again.close()
  })

  it('fails for good when a commit does not end, and leaves the data to the end of the process', async () => {
    const directory = newDirectory()
    const hang = (): Promise<void> => new Promise(() => {})
    const store = await openLmdbStore({ directory, aroundCommit: hang, commitTimeoutMs: 20 })
    const calls = [store.append([textPush(NOVEL, 'hangs')])]
    await turn()
    await turn()
    calls.push(store.append([textPush(NOVEL, 'waits')]))
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'STORAGE' })
    expect((await store.failed).message).toContain('did not end within 20 ms')
    await store.close()
    await expect(openLmdbStore({ directory })).rejects.toMatchObject({ code: 'IN_USE' })
  })

  it('finishes on close what waits behind a commit', async () => {
    const directory = newDirectory()
    const gate = heldCommits()
    const store = await openLmdbStore({ directory, aroundCommit: gate.aroundCommit })
    const calls = [appendText(store, NOVEL, '1')]
    await gate.begun()
    calls.push(appendText(store, NOVEL, '2'))
    const closed = store.close()
    gate.letThrough()
    await gate.begun()
    gate.letThrough()
    await Promise.all(calls)
    await closed
    const again = await openLmdbStore({ directory })
    expect(await readTexts(again, NOVEL)).toEqual(['1', '2'])
    await again.close()
  })

  it('takes more in one commit than LMDB takes in one instruction buffer', async () => {
    const store = await openLmdbStore({ directory: newDirectory() })
    const calls = Array.from({ length: 5_000 }, (_, at) =>
      append(store, [textPush(`v${at % 40}/d${at % 700}`, `${at}`)]),
    )
    await Promise.all(calls)
    const heads = await Promise.all(Array.from({ length: 700 }, (_, document) => headsOf(store, document)))
    expect(heads.reduce((sum, head) => sum + head, 0)).toBe(5_000)
    await store.close()
  })
})

async function headsOf(store: RelayStore, document: number): Promise<number> {
  const vaults = Array.from({ length: 40 }, (_, vault) => judge(store, `v${vault}/d${document}`))
  return (await Promise.all(vaults)).reduce((sum, { head }) => sum + head, 0)
}

async function underTest(options: LmdbStoreOptions): Promise<StoreUnderTest> {
  let store = await openLmdbStore(options)
  return {
    get store() {
      return store
    },
    async reopen() {
      await store.close()
      store = await openLmdbStore(options)
    },
    async copy() {
      const directory = newDirectory()
      await store.close()
      cpSync(join(options.directory, 'data.mdb'), join(directory, 'data.mdb'))
      store = await openLmdbStore(options)
      return underTest({ ...options, directory })
    },
    async dispose() {
      await store.close()
      rmSync(options.directory, { recursive: true, force: true })
    },
  }
}

/** Changes a row of the table meta as another process would; `change` is code that sees `value`. */
function changeMeta(directory: string, row: string, change: string): void {
  const script = `
    import { open } from 'lmdb'
    const binary = { keyEncoding: 'binary', encoding: 'binary' }
    const root = open({ path: ${JSON.stringify(directory)}, noSubdir: false, overlappingSync: false, ...binary })
    const meta = root.openDB('meta', binary)
    const value = Buffer.from(meta.get(Buffer.from('${row}')))
    ${change}
    await meta.put(Buffer.from('${row}'), value)
    await root.close()`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: import.meta.dirname })
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

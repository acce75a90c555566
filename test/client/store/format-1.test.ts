// Stores as format 1 left them, kept in format-1.json: whatever the drivers become, what devices hold must open. The file
// was written by the drivers of format 1; it is not to be made anew.
import 'fake-indexeddb/auto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { keyValueStore } from '@tidemark/client/key-value'
import { openDB } from 'idb'
import { describe, expect, it } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import type { DeviceStore } from '../../../client/src/store/contract.ts'
import { indexedDbStore } from '../../../client/src/store/indexeddb/index.ts'
import { SHAPES, ValueDisk } from './key-value-storages.ts'
import { appending, contentOf } from './rows.ts'

interface Format1 {
  readonly documents: readonly string[]
  /** Of the first document: given to a row that is removed. */
  readonly lastId: number
  readonly content: readonly string[]
  /** By name: in base64, as are all bytes. */
  readonly files: Readonly<Record<string, string>>
  readonly strings: Readonly<Record<string, string>>
  readonly indexedDb: {
    readonly version: number
    readonly stores: {
      readonly rows: readonly (readonly [documentId: string, id: number, base64: string])[]
      readonly lastIds: readonly (readonly [documentId: string, id: number])[]
      readonly records: readonly (readonly [key: string, base64: string])[]
    }
  }
}

const format1 = JSON.parse(await readFile(new URL('./format-1.json', import.meta.url), 'utf8')) as Format1

describe('a store of format 1 opens with all that it held, and goes on', () => {
  it('in files', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidemark-format-1-'))
    for (const [name, base64] of Object.entries(format1.files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true })
      await writeFile(join(directory, name), Buffer.from(base64, 'base64'))
    }
    await expectContent(fileStore(directory))
    await rm(directory, { recursive: true })
  })

  it('in key-value strings', async () => {
    const backend = SHAPES.AsyncStorage?.(new ValueDisk(Object.entries(format1.strings)))
    await expectContent(keyValueStore(backend as NonNullable<typeof backend>))
  })

  it('in key-value bytes', async () => {
    const values = Object.entries(format1.strings).map(([key, base64]) => [key, bytesOf(base64)] as const)
    const backend = SHAPES.SQLite?.(new ValueDisk(values))
    await expectContent(keyValueStore(backend as NonNullable<typeof backend>))
  })

  it('in IndexedDB', async () => {
    const { version, stores } = format1.indexedDb
    const database = await openDB('format 1', version, {
      upgrade: (database) => {
        for (const name of Object.keys(stores)) database.createObjectStore(name)
      },
    })
    for (const [id, number, base64] of stores.rows) {
      await database.put('rows', bytesOf(base64), [id, number])
    }
    for (const [key, base64] of stores.records) await database.put('records', bytesOf(base64), key)
    for (const [key, id] of stores.lastIds) await database.put('lastIds', id, key)
    database.close()
    await expectContent(indexedDbStore('format 1'))
  })
})

async function expectContent(device: DeviceStore): Promise<void> {
  const { documents, content } = format1
  let last = format1.lastId
  for (let opened = 0; opened < 2; opened++) {
    const store = await device.open()
    expect((await contentOf(store, documents)).split('\n')).toEqual(content)
    const documentId = documents[0] as string
    const [id] = (await store.commit(appending(documentId, 'new'))) as [number]
    expect(id).toBeGreaterThan(last)
    last = id
    await store.commit({ remove: [{ documentId, ids: [id] }] })
    await store.close()
  }
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'))
}

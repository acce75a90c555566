// A writer whose device is full for a while, on every durable store: the status says so, what was stored stays, what is
// typed meanwhile waits in memory, and all of it is stored once there is room.
import 'fake-indexeddb/auto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tidemark } from '@tidemark/client'
import { keyValueStore } from '@tidemark/client/key-value'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import type { DeviceStore } from '../../../client/src/store/contract.ts'
import { indexedDbStore } from '../../../client/src/store/indexeddb/index.ts'
import { SHAPES, ValueDisk } from './key-value-storages.ts'
import { errorWith, recorder } from './recorded-files.ts'

vi.mock('node:fs/promises', async (importOriginal) =>
  (await import('./recorded-files.ts')).recordedFiles(await importOriginal()),
)

interface FullableStore {
  readonly store: DeviceStore
  fill(): void
  free(): void
}

let databases = 0
let directory: string | null = null
afterEach(async () => {
  vi.restoreAllMocks()
  recorder.fail = () => null
  if (directory !== null) await rm(directory, { recursive: true })
  directory = null
})

const STORES: Readonly<Record<string, () => Promise<FullableStore>>> = {
  files: async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-full-'))
    return {
      store: fileStore(directory),
      fill: () => {
        // A name takes no space: that of a lock can be made.
        recorder.fail = ({ kind, path }) =>
          kind === 'write' || (kind === 'create' && path.includes('rows')) ? errorWith('ENOSPC') : null
      },
      free: () => {
        recorder.fail = () => null
      },
    }
  },
  IndexedDB: async () => ({
    store: indexedDbStore(`full ${databases++}`),
    fill: () => {
      vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
      })
    },
    free: () => {
      vi.restoreAllMocks()
    },
  }),
  ...Object.fromEntries(
    Object.entries(SHAPES).map(([shape, backendOn]) => [
      shape,
      async () => {
        const disk = new ValueDisk()
        return {
          store: keyValueStore(backendOn(disk)),
          fill: () => {
            disk.fail = ([, value]) => (value === null ? null : new Error('database or disk is full'))
          },
          free: () => {
            disk.fail = () => null
          },
        }
      },
    ]),
  ),
}

describe('a full device', () => {
  for (const [name, newStore] of Object.entries(STORES)) {
    it(`is a clear status, loses nothing, and is written to once there is room: ${name}`, async () => {
      const { store, fill, free } = await newStore()
      const tidemark = new Tidemark({ store })
      const novel = await tidemark.open('alice/novel')
      const text = novel.doc.getText('body')
      text.insert(0, 'Call me Ishmael. ')
      await tidemark.flush()
      fill()
      for (const word of ['Some ', 'years ', 'ago ', 'x'.repeat(40_000)]) {
        text.insert(text.length, word)
        await expect(tidemark.flush()).rejects.toMatchObject({ code: 'STORE_FULL', retryable: true })
        expect(novel.status).toMatchObject({ safety: 'unsaved', problem: { code: 'STORE_FULL' } })
      }
      free()
      text.insert(text.length, '.')
      await tidemark.flush()
      expect(novel.status).toMatchObject({ safety: 'on-device', problem: null })
      const written = text.toString()
      await tidemark.close()
      const later = new Tidemark({ store })
      expect((await later.open('alice/novel')).doc.getText('body').toString()).toBe(written)
      await later.close()
    })

    it(`opens what is on it: ${name}`, async () => {
      const { store, fill, free } = await newStore()
      const before = new Tidemark({ store })
      ;(await before.open('alice/novel')).doc.getText('body').insert(0, 'Call me Ishmael.')
      await before.close()
      fill()
      const tidemark = new Tidemark({ store })
      expect((await tidemark.open('alice/novel')).doc.getText('body').toString()).toBe('Call me Ishmael.')
      free()
      await tidemark.close()
    })
  }
})

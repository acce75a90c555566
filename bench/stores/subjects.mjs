// The stores that are measured, each empty. What stands in for a platform that is not here is named for what it is.
import 'fake-indexeddb/auto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { indexedDbStore } from '@tidemark/client/indexeddb'
import { keyValueStore } from '@tidemark/client/key-value'
import { fileStore, memoryStore } from '@tidemark/client/node'

/** By name: a store, the bytes or characters that it takes, and what removes it. */
export function newSubjects() {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-bench-stores-'))
  const strings = new Map()
  const bytes = new Map()
  return {
    stores: {
      memory: memoryStore(),
      files: fileStore(directory),
      'key-value, strings in memory': keyValueStore(mapBackend(strings, 'strings')),
      'key-value, bytes in memory': keyValueStore(mapBackend(bytes, 'bytes')),
      'fake-indexeddb': indexedDbStore('bench'),
    },
    dispose: () => rmSync(directory, { recursive: true }),
  }
}

/** Values as short as AsyncStorage on Android wants them. */
function mapBackend(values, kind) {
  return {
    storage: values,
    values: kind,
    valueLengthMax: 256 * 1024,
    keys: async () => [...values.keys()],
    get: async (keys) => keys.map((key) => values.get(key)),
    set: async (entries) => {
      for (const [key, value] of entries) values.set(key, value.slice())
    },
    remove: async (keys) => {
      for (const key of keys) values.delete(key)
    },
  }
}

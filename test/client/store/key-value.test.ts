// The key-value store in all the shapes of storage that it is made for.
import { keyValueStore } from '@tidemark/client/key-value'
import { describe, it } from 'vitest'
import { deviceStoreContract } from '../../../client/src/store/conformance.ts'
import { SHAPES, ValueDisk } from './key-value-storages.ts'

for (const [shape, backendOn] of Object.entries(SHAPES)) {
  describe(`keyValueStore on ${shape}`, () => {
    deviceStoreContract(it, async () => {
      const backend = backendOn(new ValueDisk())
      return {
        store: keyValueStore(backend),
        another: () => keyValueStore(backend),
        isShared: false,
        dispose: async () => {},
      }
    })
  })
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import { deviceStoreContract } from '../../../client/src/store/conformance.ts'

describe('fileStore', () => {
  deviceStoreContract(it, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidemark-store-'))
    return {
      store: fileStore(directory),
      another: () => fileStore(directory),
      isShared: false,
      dispose: () => rm(directory, { recursive: true }),
    }
  })
})

// Stands in for AsyncStorage where there is no phone: one file for each key.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AsyncStorageLike } from '@tidemark/client/key-value'

export function filesAsAsyncStorage(directory: string): AsyncStorageLike {
  const pathOf = (key: string): string => join(directory, Buffer.from(key).toString('hex'))
  return {
    async getAllKeys() {
      await mkdir(directory, { recursive: true })
      const names = (await readdir(directory)).filter((name) => !name.endsWith('.tmp'))
      return names.map((name) => Buffer.from(name, 'hex').toString())
    },
    async getItem(key) {
      try {
        return await readFile(pathOf(key), 'utf8')
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
        throw error
      }
    },
    async setItem(key, value) {
      await writeFile(`${pathOf(key)}.tmp`, value, { flush: true })
      await rename(`${pathOf(key)}.tmp`, pathOf(key))
    },
    async removeItem(key) {
      await rm(pathOf(key), { force: true })
    },
  }
}

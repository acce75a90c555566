// MMKV as the backend of a key-value store: react-native-mmkv, versions 3 and 4.
import { DeviceStoreError } from '../contract.ts'
import type { BytesBackend } from './backend.ts'

/** What is used of it. */
export type MmkvLike = MmkvReading & MmkvRemoving

interface MmkvReading {
  getAllKeys(): string[]
  getBuffer(key: string): ArrayBufferLike | undefined
  set(key: string, value: ArrayBuffer): void
}

/** Version 4 has another name for it. */
type MmkvRemoving = { delete(key: string): void } | { remove(key: string): unknown }

const VALUE_BYTES_MAX = 512 * 1024

export function mmkvBackend(storage: MmkvLike): BytesBackend {
  const read = (key: string): Uint8Array | null => {
    const buffer = storage.getBuffer(key)
    // Copied: what it gives may be memory of its own.
    return buffer === undefined ? null : new Uint8Array(buffer).slice()
  }
  const write = (key: string, bytes: Uint8Array): void => {
    storage.set(key, bytes.slice().buffer)
    // Before version 4 a full disk was not reported.
    if (read(key)?.length !== bytes.length) throw new DeviceStoreError('FULL', `MMKV did not store ${key}: no space?`)
  }
  return {
    storage,
    values: 'bytes',
    valueLengthMax: VALUE_BYTES_MAX,
    keys: () => storage.getAllKeys(),
    get: (keys) => keys.map(read),
    set: (entries) => {
      for (const [key, bytes] of entries) write(key, bytes)
    },
    remove: (keys) => {
      for (const key of keys) 'remove' in storage ? storage.remove(key) : storage.delete(key)
    },
  }
}

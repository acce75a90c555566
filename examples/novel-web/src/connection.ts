// What this device needs to meet the others: a relay, a token, and the keys of the novel. Kept in the browser's storage, as plain
// as the novel itself is on this device. An app with accounts gets the token from its backend, each time anew.
import type { DocumentKey } from '@tidemark/client'

export interface Connection {
  readonly relay: string
  readonly token: string
  /** The last one seals what is new. */
  readonly keys: readonly DocumentKey[]
}

const STORAGE_NAME = 'novel connection'

/** Null: the novel is on this device alone. */
export function storedConnection(): Connection | null {
  const stored = localStorage.getItem(STORAGE_NAME)
  if (stored === null) return null
  const { keys, ...rest } = JSON.parse(stored) as Omit<Connection, 'keys'> & { keys: { id: string; hex: string }[] }
  return { ...rest, keys: keys.map(({ id, hex }) => ({ id, key: bytesOf(hex) })) }
}

export function storeConnection({ keys, ...rest }: Connection): void {
  const inHex = keys.map(({ id, key }) => ({ id, hex: hexOf(key) }))
  localStorage.setItem(STORAGE_NAME, JSON.stringify({ ...rest, keys: inHex }))
}

/** Calls back when another tab has stored one: all tabs of a store must use the same relay, token and keys. */
export function onConnectionStored(changed: () => void): void {
  addEventListener('storage', ({ key }) => {
    if (key === STORAGE_NAME) changed()
  })
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

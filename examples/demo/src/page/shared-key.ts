// The key that both devices have: made once, and kept in this browser. Between real devices it would travel as a QR code
// or a recovery code, and never by the relay.
import { type DocumentKey, newKey } from '@tidemark/client'

const DATABASE = 'demo-key'
const KEYS = 'keys'
const ONLY = 'shared'

let shared: Promise<DocumentKey> | null = null

/** The same for all who ask, in whichever tab. */
export function sharedKey(): Promise<DocumentKey> {
  shared ??= loadOrMake()
  return shared
}

async function loadOrMake(): Promise<DocumentKey> {
  const opening = indexedDB.open(DATABASE, 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(KEYS)
  const database = await resultOf(opening)
  try {
    // A lost key would lock what only a relay has. So it is on the disk before anything is sealed with it.
    const transaction = database.transaction(KEYS, 'readwrite', { durability: 'strict' })
    const keys = transaction.objectStore(KEYS)
    const known = await resultOf<DocumentKey | undefined>(keys.get(ONLY))
    if (known !== undefined) return known
    const key = newKey()
    keys.add(key, ONLY)
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve
      transaction.onabort = () => reject(transaction.error ?? new Error('the key could not be kept'))
    })
    return key
  } finally {
    database.close()
  }
}

function resultOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('the key could not be read'))
  })
}

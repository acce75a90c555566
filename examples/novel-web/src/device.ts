// This device's copy of the novel: in IndexedDB, and in sync with the others once there is a connection.
import { keyRing, Tidemark } from '@tidemark/client'
import { indexedDbStore } from '@tidemark/client/indexeddb'
import type { Connection } from './connection.ts'
import { KEYS_ID, VAULT } from './novel.ts'

export function openDevice(connection: Connection | null): Tidemark {
  return new Tidemark({
    store: indexedDbStore('novel'),
    // All chapters are to be here before they are opened: the next time may be on a train.
    mirror: [VAULT],
    // Always, also while there is no key yet: nothing can ever be sent in plain.
    encryption: { keys: keyRing(connection?.keys ?? [], { isPlain: (id) => id === KEYS_ID }) },
    ...(connection === null ? {} : { relays: [connection.relay], token: connection.token }),
  })
}

// Finds out whether relay, token and passphrase are the right ones, and what the keys of the novel are. On the first device it
// makes the key. Leaves nothing on this device: the one that it uses is gone when it is done.
import {
  type DocumentKey,
  keyFromPassphrase,
  memoryStore,
  newPassphraseKey,
  type PassphraseParameters,
  Tidemark,
  TidemarkError,
} from '@tidemark/client'
import { KEYS_ID } from './novel.ts'

export interface Joining {
  readonly relay: string
  readonly token: string
  readonly passphrase: string
  /** From 0 to 1: a key takes seconds, for whoever guesses passphrases too. */
  readonly onProgress: (done: number) => void
}

/** @throws TidemarkError as sync() does; UNKNOWN_KEY: another passphrase than that of the other devices */
export async function keysOfNovel({ relay, token, passphrase, onProgress }: Joining): Promise<readonly DocumentKey[]> {
  const device = new Tidemark({ store: memoryStore(), relays: [relay], token, schedule: false, compaction: 'never' })
  const keys = new Map<string, DocumentKey>()
  try {
    const { doc } = await device.open(KEYS_ID)
    const known = doc.getMap<PassphraseParameters>('parameters')
    await syncAll(device)
    if (known.size === 0) {
      const { key, parameters } = await newPassphraseKey(passphrase, { onProgress })
      keys.set(key.id, key)
      known.set(key.id, parameters)
      // On the relay before anything is sealed with it; and maybe another first device was as quick.
      await syncAll(device)
    }
    for (const [id, parameters] of known) {
      const key = keys.get(id) ?? (await keyOrNull(passphrase, parameters, onProgress))
      if (key !== null) keys.set(id, key)
    }
  } finally {
    await device.close()
  }
  if (keys.size === 0) throw new TidemarkError('UNKNOWN_KEY', 'This is not the passphrase of your other devices')
  // The same one last on all devices.
  return [...keys.values()].sort((one, other) => (one.id < other.id ? -1 : 1))
}

async function syncAll(device: Tidemark): Promise<void> {
  const { complete, relays } = await device.sync()
  if (complete) return
  const errors = relays.flatMap(({ error, documents }) => [error, ...documents.map((document) => document.error)])
  throw errors.find((error) => error !== null) ?? new TidemarkError('TIMEOUT', 'The relay did not answer in time')
}

/** Null: these parameters are of another passphrase. */
async function keyOrNull(
  passphrase: string,
  parameters: PassphraseParameters,
  onProgress: Joining['onProgress'],
): Promise<DocumentKey | null> {
  try {
    return await keyFromPassphrase(passphrase, parameters, { onProgress })
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'UNKNOWN_KEY') return null
    throw error
  }
}

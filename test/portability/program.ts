// Runs where there is nothing but what the SDK is documented to need: two devices, a plain and an encrypted document, a
// restart. Bundled, and given `say` and the WebSocket of a relay, by the tests beside it.
import { keyRing, memoryStore, Tidemark, type TidemarkOptions } from '@tidemark/client'

declare const say: (line: string) => void

async function main(): Promise<void> {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i)
  const keys = { keys: keyRing([{ id: 'first', key }]) }
  await meet('alice/plain', {})
  await meet('alice/sealed', { encryption: keys })
}

async function meet(id: string, encryption: Partial<TidemarkOptions>): Promise<void> {
  const store = memoryStore()
  const device = (on = memoryStore()): Tidemark =>
    new Tidemark({ relays: ['ws://relay.test'], token: 'alice/*:write', store: on, schedule: false, ...encryption })
  const one = device(store)
  const novel = await one.open(id)
  novel.doc.getText('t').insert(0, 'Ishmael 🐋')
  const report = await one.sync()
  say(`${id} pushed: ${report.complete} ${novel.status.safety}`)
  await one.close()

  const two = device()
  const copy = await two.open(id)
  await two.sync()
  say(`${id} pulled: ${copy.doc.getText('t').toString()}`)
  copy.doc.getText('t').insert(0, 'Call me ')
  await two.sync()
  await two.close()

  const again = device(store)
  const restarted = await again.open(id)
  say(`${id} restarted: ${restarted.doc.getText('t').toString()}`)
  await again.sync()
  say(`${id} merged: ${restarted.doc.getText('t').toString()}`)
  await again.close()
}

main().then(
  () => say('done'),
  (error: unknown) => say(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
)

// Seed 80186: the simulator closes the connections of a page that died; its store took that for the browser's doing, connected
// anew and committed what had waited, beside the page that had come after it.
import { expect, it } from 'vitest'
import type { OpenDeviceStore } from '../../../client/src/store/contract.ts'
import { turn } from '../stores/device-disk.ts'
import { IndexedDbMedium, newIndexedDb } from '../stores/indexeddb-medium.ts'

const DOCUMENT = 'alice/notes'

it('a page of the simulator that died commits nothing more, whenever it died', async () => {
  newIndexedDb()
  for (let turns = 0; turns < 30; turns++) {
    const medium = new IndexedDbMedium()
    const dead = await medium.mount().open()
    for (const text of ['one', 'two', 'three']) {
      const append = [{ documentId: DOCUMENT, bytes: Buffer.from(text) }]
      dead.commit({ append, records: [{ key: text, bytes: Buffer.from(text) }] }).catch(() => undefined)
      medium.endCall(false)
    }
    for (let i = 0; i < turns; i++) await turn()
    medium.crash()
    const store = await medium.mount().open()
    const found = await held(store)
    for (let i = 0; i < 50; i++) await turn()
    expect(await held(store)).toBe(found)
  }
})

async function held(store: OpenDeviceStore): Promise<string> {
  const records = (await store.records('')).map(({ key }) => key).sort()
  const rows = (await store.rows(DOCUMENT)).map(({ bytes }) => Buffer.from(bytes).toString())
  expect(records).toEqual([...rows].sort())
  return rows.join()
}

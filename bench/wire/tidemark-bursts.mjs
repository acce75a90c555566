// Bursts of the real SDK with a relay, each from a state in which nothing is left to say: nothing new, or one small edit.
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { type } from '../stores/novel.mjs'

export const EDIT = 'the whale, the whale'
/** By then a device and its relay have told each other all that there is to tell. */
const SETTLING_BURSTS = 3

/** `known`: documents of the device, `open` of which the app has open; `edits`: in each, key by key. */
export async function tidemarkBurst({ url, token, vault, carrier, known, open, edits = 1, hasEdit = false }) {
  const device = new Tidemark({ relays: [{ url, carrier }], token, store: memoryStore(), schedule: false })
  for (let number = 0; number < known; number += 1) {
    const document = await device.open(`${vault}/notes ${number}`)
    const text = document.doc.getText('body')
    await type(text, { edits, atOnce: edits, pause: async () => {} })
    if (number >= open) await document.close()
  }
  for (let burst = 0; burst < SETTLING_BURSTS; burst += 1) await sync(device)
  return {
    /** To be measured, as often as one likes. */
    async burst() {
      if (hasEdit) {
        const { doc } = await device.open(`${vault}/notes 0`)
        doc.getText('body').insert(0, EDIT)
        await device.flush()
      }
      await sync(device)
    },
    close: () => device.close(),
  }
}

async function sync(device) {
  const report = await device.sync()
  if (!report.complete) throw new Error(`An incomplete burst: ${JSON.stringify(report)}`)
}

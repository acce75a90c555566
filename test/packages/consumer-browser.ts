// An app in a browser, as the README shows it; compiled against the packed packages, never run.
import { type SyncReport, Tidemark, TidemarkError } from '@tidemark/client'
import { indexedDbStore } from '@tidemark/client/indexeddb'

const tidemark = new Tidemark({
  relays: ['wss://relay.example.org'],
  token: () => Promise.resolve('token'),
  store: indexedDbStore('my-novels'),
  schedule: { everyMs: 30_000, afterEditMs: 2_000 },
})

const novel = await tidemark.open('alice/moby-dick')
novel.doc.getText('body').insert(0, 'Call me Ishmael.')

try {
  const report: SyncReport = await tidemark.sync()
  const isSafe: boolean = report.complete && novel.status.safety === 'on-relay'
  document.title = isSafe ? 'safe' : 'unsent'
} catch (error) {
  if (error instanceof TidemarkError && error.code === 'OFFLINE') document.title = error.message
}
await tidemark.close()

// A device that takes up a vault, burst after burst, until it has all of it: a line of JSON for each progress that it is told,
// and for the end of each burst. Runs in a process of its own, to be killed.
import { writeSync } from 'node:fs'
import { fileStore, type SyncProgress, type SyncReport, Tidemark, TidemarkError } from '@tidemark/client/node'
import { tappedWebSocket } from '../tapped-socket.ts'

/** What a line says. */
export type ColdDeviceSaid =
  | { readonly what: 'progress'; readonly progress: SyncProgress }
  | {
      readonly what: 'ended'
      readonly complete: boolean
      readonly progress: SyncProgress
      readonly problem: string | null
      /** Messages in which it asked for something, in all its bursts so far. */
      readonly rounds: number
    }

function say(what: ColdDeviceSaid): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}

const [directory = '', url = '', token = '', vault = ''] = process.argv.slice(2)
let rounds = 0
const WebSocket = tappedWebSocket({
  sent: (frames) => {
    if (frames.some(({ type }) => type === 'END')) rounds++
  },
})
const device = new Tidemark({
  store: fileStore(directory),
  relays: [{ url, carrier: 'websocket' }],
  token,
  mirror: [vault],
  schedule: false,
  platform: { WebSocket },
})
for (let isComplete = false; !isComplete; ) {
  const report = await device
    .sync({ onProgress: (progress) => say({ what: 'progress', progress }) })
    .catch((error: unknown) => reportOf(error))
  const problem = report.relays[0]?.error?.code ?? null
  isComplete = report.complete
  say({ what: 'ended', complete: isComplete, progress: report.progress, problem, rounds })
}
await device.close()

/** No relay let it in. */
function reportOf(error: unknown): SyncReport {
  if (error instanceof TidemarkError && error.report !== null) return error.report
  throw error
}

// Logs for tests of the relay's session, made through bursts: documents with entries, and with snapshots.
import type { CoreUnderTest } from './core.ts'
import { END, hello, NOTHING, only, open, payloadOf, push, snapshotPut } from './device.ts'

const WRITE = 'alice/*:write'
export const NOVEL = 'alice/novel'

/** Where a device stands that was given everything. */
export interface Standing {
  readonly incarnation: Uint8Array
  readonly mark: Uint8Array
  readonly receipt: Uint8Array
  readonly generation: Uint8Array
}

/** Pushes one entry for each text, as a device that is seen nowhere else; the document is begun where it is not there. */
export async function begun(relay: CoreUnderTest, ...texts: readonly string[]): Promise<Standing> {
  const pushes = texts.map((text) => push(1, payloadOf(text)))
  const frames = await relay.burst([hello(WRITE), open(1, NOVEL), ...pushes, END])
  const { incarnation, generation } = only(frames, 'OPENED')
  const { mark } = only(frames, 'SYNCED')
  return { incarnation, mark, receipt: mark, generation }
}

/** Takes the lease at a mark, and uploads a snapshot made there. */
export async function compacted(relay: CoreUnderTest, mark: Uint8Array, payload: Uint8Array): Promise<void> {
  const device = relay.connect()
  const upload = open(1, NOVEL, { pull: false })
  const leased = only(await device.round([hello(WRITE), upload, { type: 'LEASE', channel: 1, mark }, END]), 'LEASED')
  const { code } = only(
    await device.round([upload, snapshotPut(1, payload, { fence: leased.fence, mark }), END]),
    'COMPACTED',
  )
  if (code !== 'OK') throw new Error(`Not compacted: ${code}`)
  device.connection.closed()
}

/** Marks are opaque: only a test that made them all may say which index one stands for. */
export async function markAt(relay: CoreUnderTest, { incarnation }: Standing, index: number): Promise<Uint8Array> {
  if (index === 0) return NOTHING
  const request = { documentId: NOVEL, incarnation, after: index - 1, entriesMax: 1, bytesMax: 1 }
  const page = await relay.store.read(request)
  if (page === 'moved') throw new Error(`Nothing at ${index}`)
  return page.mark
}

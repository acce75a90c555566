// A log as a new device takes it in: the push ids of all entries that there ever were, from a snapshot that lists those it
// stands for and from the entries after it. Each payload is held to its push id on the way.
import { bytesPush, judge } from '../../../../relay/src/store/conformance/subject.ts'
import type { Bytes, Judgement, PayloadRequest, RelayStore } from '../../../../relay/src/store/contract.ts'

const ID_BYTES = 16
const PART_BYTES = 50_000

export interface WholeLog {
  readonly judgement: Judgement
  /** In hex; that of index 1 stands first. */
  readonly pushIds: readonly string[]
  /** The bookmark at the last of these. */
  readonly mark: Bytes
}

/** Undefined: there is no log. @throws Error where something does not fit. */
export async function wholeLog(store: RelayStore, documentId: string): Promise<WholeLog | undefined> {
  const judgement = await judge(store, documentId)
  if (judgement.status !== 'OK') return undefined
  const { snapshot, incarnation, after } = judgement
  const pushIds =
    snapshot === null ? [] : idsIn(await payload(store, { documentId, incarnation, of: { snapshotId: snapshot.id } }))
  if (pushIds.length !== after) throw new Error(`A snapshot up to ${after} of ${documentId} lists ${pushIds.length}`)
  let mark = snapshot?.mark ?? new Uint8Array(0)
  for (let atHead = false; !atHead; ) {
    const request = { documentId, incarnation, after: pushIds.length, entriesMax: 100, bytesMax: 200_000 }
    const page = await store.read({ ...request, inlineBytesMax: PART_BYTES })
    // Compacted and swept meanwhile.
    if (page === 'moved') return wholeLog(store, documentId)
    for (const entry of page.entries) {
      const of = { index: entry.index }
      const bytes = entry.payload ?? (await payload(store, { documentId, incarnation, of }))
      const pushId = hex(entry.pushId)
      if (hex(bytesPush(documentId, bytes).pushId) !== pushId || bytes.length !== entry.totalBytes) {
        throw new Error(`The payload at ${entry.index} of ${documentId} is not what was pushed`)
      }
      pushIds.push(pushId)
    }
    mark = page.mark
    atHead = page.atHead
  }
  return { judgement, pushIds, mark }
}

/** A snapshot of which `idsIn` gives the push ids back. */
export function snapshotOf(pushIds: readonly string[]): Buffer {
  return Buffer.from(pushIds.join(''), 'hex')
}

function idsIn(snapshot: Buffer): string[] {
  return Array.from({ length: snapshot.length / ID_BYTES }, (_, position) =>
    snapshot.toString('hex', position * ID_BYTES, (position + 1) * ID_BYTES),
  )
}

async function payload(
  store: RelayStore,
  part: Pick<PayloadRequest, 'documentId' | 'incarnation' | 'of'>,
): Promise<Buffer> {
  const parts: Bytes[] = []
  for (let offset = 0; ; offset += PART_BYTES) {
    const bytes = await store.readPayload({ ...part, offset, bytesMax: PART_BYTES })
    if (bytes === 'gone') throw new Error(`A payload of ${part.documentId} is gone`)
    parts.push(bytes)
    if (bytes.length < PART_BYTES) return Buffer.concat(parts)
  }
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString('hex')
}

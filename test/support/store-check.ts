// Holds a whole store to what a log is: dense indexes, a chain over all push ids, push ids that are the hash of format and
// payload, bookmarks that are valid, a feed and a usage that agree with the logs. Throws at the first thing that is torn.
import { chainSeed, nextChain, pushIdOf, tagOf } from '@tidemark/protocol'
import { encodeBookmark } from '../../relay/src/store/bookmark.ts'
import { EMPTY, judge, readPage } from '../../relay/src/store/conformance/subject.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import { sha256 } from '../../relay/src/store/sha256.ts'

export interface CheckedLog {
  /** In hex, in log order. */
  readonly pushIds: readonly string[]
  readonly bytes: number
}

/** All logs of the vaults by document id. */
export async function checkStore(
  store: RelayStore,
  vaults: readonly string[],
): Promise<ReadonlyMap<string, CheckedLog>> {
  const logs = new Map<string, CheckedLog>()
  for (const vault of vaults) {
    const listed = await store.feed({ vault, mark: EMPTY, documentsMax: 1e6 })
    let bytes = 0
    for (const { documentId, tag } of listed.documents) {
      const log = await checkLog(store, documentId, tag)
      bytes += log.bytes
      logs.set(documentId, log)
    }
    const usage = await store.usage(vault)
    const counted = { bytes, documents: listed.documents.length }
    if (usage.bytes !== counted.bytes || usage.documents !== counted.documents) {
      throw new Error(`Vault ${vault} says ${JSON.stringify(usage)} and holds ${JSON.stringify(counted)}`)
    }
  }
  return logs
}

async function checkLog(store: RelayStore, documentId: string, tag: Uint8Array): Promise<CheckedLog> {
  const { head, incarnation, generation } = await judge(store, documentId)
  const { entries, through, mark, atHead } = await readPage(store, documentId)
  if (!atHead || through !== head || entries.length !== head) {
    throw new Error(`${documentId} has ${entries.length} entries through ${through}, and its head is ${head}`)
  }
  let chain = chainSeed(sha256, incarnation, documentId)
  let bytes = 0
  for (const [position, { index, pushId, format, payload }] of entries.entries()) {
    if (index !== position + 1) throw new Error(`${documentId} has index ${index} at place ${position + 1}`)
    if (payload === null) throw new Error(`${documentId} has no payload at index ${index}`)
    if (!same(pushId, pushIdOf(sha256, format, payload))) throw new Error(`${documentId} is torn at index ${index}`)
    chain = nextChain(sha256, chain, pushId)
    bytes += payload.length
  }
  const bookmark = encodeBookmark(incarnation, head, chain)
  if (!same(mark, bookmark)) throw new Error(`The mark of ${documentId} is not that of its chain`)
  if (!same(tag, tagOf(sha256, chain, generation))) throw new Error(`The tag of ${documentId} is not that of its chain`)
  const judged = await judge(store, documentId, { mark, receipt: mark })
  if (judged.status !== 'OK') throw new Error(`The mark at the head of ${documentId} is judged ${judged.status}`)
  return { pushIds: entries.map(({ pushId }) => hex(pushId)), bytes }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return hex(one) === hex(other)
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

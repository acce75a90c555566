// Asks the store what a session wishes for, turns what it says into the session's events, and tells those who linger of it.
import type { RelayStore } from '../store/contract.ts'
import type { Audience } from './audience.ts'
import { Durable } from './durable.ts'
import type { StoreAnswer, StoreWish } from './effects.ts'
import type { Postponed } from './postponed.ts'

/** Rejects as the store does. */
export async function fulfil(store: RelayStore, wish: StoreWish, postponed: Postponed): Promise<StoreAnswer> {
  const { of } = wish
  switch (wish.type) {
    case 'judge':
      return { of, type: 'judged', judgement: await store.judge(wish.request) }
    case 'claim':
      return { of, type: 'claimed', outcome: await store.claim(wish.request) }
    case 'repair':
      // Whatever came of it, the document is judged again: another device may have caused the same repair.
      return { of, type: 'repaired', drawn: await postponed.ask(store, wish.request) }
    case 'stage':
      return { of, type: 'staged', staged: await store.stage(wish.piece) }
    case 'hash':
      return { of, type: 'hashed', hash: await store.hashUpload(wish.key, wish.prefix) }
    case 'drop':
      await store.dropUpload(wish.key)
      return { of, type: 'dropped' }
    case 'append':
      return { of, type: 'appended', outcomes: await Durable.append(store, wish.pushes) }
    case 'install':
      return { of, type: 'installed', outcome: await store.install(wish.request) }
    case 'delete':
      return { of, type: 'deleted', outcome: await store.delete(wish.request) }
    case 'page':
      return { of, type: 'pageRead', page: await store.read(wish.request) }
    case 'part':
      return { of, type: 'partRead', bytes: await store.readPayload(wish.request) }
    case 'feed':
      return { of, type: 'feedRead', page: await store.feed(wish.request) }
  }
}

/** Who lingers on a document learns that its log has grown, or is another one. Only what is flushed is ever answered. */
export function announce(audience: Audience, wish: StoreWish, answer: StoreAnswer): void {
  if (wish.type === 'append' && answer.type === 'appended') {
    for (const [position, { documentId }] of wish.pushes.entries()) {
      const outcome = answer.outcomes[position]
      if (outcome !== undefined && Durable.is(outcome)) audience.noteNews(documentId, outcome.index)
    }
  }
  const isReplaced = wish.type === 'delete' && answer.type === 'deleted' && answer.outcome === 'OK'
  const isRepaired = wish.type === 'repair' && answer.type === 'repaired' && answer.drawn
  if (isReplaced || isRepaired) audience.noteNews(wish.request.documentId, Number.POSITIVE_INFINITY)
}

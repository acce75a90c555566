// Without what keeps a snapshot from standing for what it does not hold.
import { Exchange } from '../../../client/src/document/exchange.ts'
import { RelayView } from '../../../client/src/document/relay-view.ts'
import { Leases } from '../../../relay/src/session/leases.ts'
import type { Appended } from '../../../relay/src/store/contract.ts'
import { baseOf, bookmarkAt } from '../../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../../relay/src/store/memory-state.ts'
import type { Sabotage } from '../sabotage.ts'
import { hex } from '../scene.ts'
import { delegating } from '../simulated-relay.ts'
import { withChainOf } from './bookmarks.ts'
import { allOf, patchGetter, patchMethod } from './patching.ts'

export const snapshotChainIgnored: Sabotage = {
  store: (store, memory) =>
    delegating(store, {
      install: (request) => store.install({ ...request, mark: withChainOf(memory, request.documentId, request.mark) }),
    }),
}

export const movedBaseIgnored: Sabotage = {
  store: (store, memory) =>
    delegating(store, {
      install: (request) => {
        const log = memory.snapshot().state.documents.get(request.documentId)
        return store.install({ ...request, baseExpected: log === undefined ? 0 : baseOf(log) })
      },
    }),
}

export const pushIdsKnownBelowBase: Sabotage = {
  store: (store, memory) =>
    delegating(store, {
      append: async (pushes) => {
        const { documents } = memory.snapshot().state
        const known = pushes.map(({ documentId, pushId }) => knownBelowBase(documents.get(documentId), hex(pushId)))
        const appended = await store.append(pushes.filter((_, i) => known[i] === null))
        return known.map((one) => one ?? (appended as Appended[]).shift()) as readonly Appended[]
      },
    }),
}

/** Whoever has a fence, however old, uploads under the newest lease. */
export const fenceIgnored: Sabotage = {
  patch: () => {
    const newest = new WeakMap<Leases, Map<string, NonNullable<ReturnType<Leases['grant']>>>>()
    return allOf(
      patchMethod(
        Leases.prototype,
        'grant',
        (grant) =>
          function granting(this: Leases, documentId, ...rest) {
            const lease = grant.call(this, documentId, ...rest)
            if (lease !== null) newest.set(this, (newest.get(this) ?? new Map()).set(documentId, lease))
            return lease
          },
      ),
      patchMethod(
        Leases.prototype,
        'find',
        () =>
          function finding(this: Leases, documentId) {
            return newest.get(this)?.get(documentId) ?? null
          },
      ),
    )
  },
}

/** What the device knows of the relay stays as it was when a snapshot comes. */
export const knownStaysAfterSnapshot: Sabotage = {
  patch: () => {
    let isOpening = false
    return allOf(
      patchMethod(
        Exchange.prototype,
        'opened',
        (opened) =>
          function opening(this: Exchange, frame) {
            isOpening = true
            opened.call(this, frame)
            isOpening = false
          },
      ),
      patchMethod(
        RelayView.prototype,
        'resync',
        (resync) =>
          function resyncing(this: RelayView, ...rest) {
            const { owed } = this
            resync.call(this, ...rest)
            if (!isOpening) this.owed = owed
          },
      ),
    )
  },
}

/** A snapshot is made of a document that holds more than the log. */
export const snapshotOfWhateverIsThere: Sabotage = {
  patch: () => patchGetter(RelayView.prototype, 'isUncarried', () => false),
}

function knownBelowBase(log: MemoryDocument | undefined, pushId: string): Appended | null {
  if (log === undefined) return null
  const at = log.entries.findIndex((entry) => hex(entry.pushId) === pushId)
  const index = log.oldest + at
  if (at < 0 || index > baseOf(log)) return null
  return { index, receipt: bookmarkAt(log, index), incarnation: new Uint8Array(log.incarnation) }
}

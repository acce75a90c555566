// Without what keeps devices and relays from giving each other the same again and again, or too little.
import { decodeMessage, encodeFrames, type Frame, LIMITS_AFTER_WELCOME, LIMITS_HTTP_RESPONSE } from '@tidemark/protocol'
import { ChangeSet } from '../../../client/src/document/change-set.ts'
import { GivingBack } from '../../../client/src/document/giving-back.ts'
import { IdSet } from '../../../client/src/document/id-set.ts'
import { LiveDocument } from '../../../client/src/document/live-document.ts'
import { RelayView } from '../../../client/src/document/relay-view.ts'
import { Library } from '../../../client/src/library/library.ts'
import { changesOf, extentOf } from '../extent.ts'
import type { Sabotage } from '../sabotage.ts'
import { hex } from '../scene.ts'
import { allOf, patchGetter, patchMethod } from './patching.ts'

/** A relay withholds from a device whatever that device pushed once, on whatever connection. */
export const ownEntriesWithheld: Sabotage = {
  carrier: () => {
    const pushed = new Map<string, Set<string>>()
    return ({ device }, direction, bytes) => {
      const own = pushed.get(device) ?? new Set()
      pushed.set(device, own)
      const decoded = decodeMessage(bytes, direction === 'up' ? LIMITS_AFTER_WELCOME : LIMITS_HTTP_RESPONSE)
      if (!decoded.ok) return bytes
      if (direction === 'up') {
        for (const frame of decoded.frames) if (frame.type === 'PUSH') own.add(hex(frame.pushId))
        return bytes
      }
      const left = decoded.frames.flatMap((frame) => withoutEntriesOf(own, frame))
      return left.length === 0 ? bytes : encodeFrames(left)
    }
  },
}

/** Everybody is told that it is their turn. */
export const everybodysTurn: Sabotage = {
  carrier: () => (_link, direction, bytes) => {
    const decoded = direction === 'down' ? decodeMessage(bytes, LIMITS_HTTP_RESPONSE) : { ok: false as const }
    if (!decoded.ok || !decoded.frames.some((frame) => frame.type === 'OPENED' && frame.turn === 'WAIT')) return bytes
    return encodeFrames(
      decoded.frames.map((frame) => (frame.type === 'OPENED' && frame.turn === 'WAIT' ? yours(frame) : frame)),
    )
  },
}

/** What a device owes goes up at once, whatever the relay is about to give. */
export const owedGoesFirst: Sabotage = {
  patch: () => patchGetter(GivingBack.prototype, 'leave', () => ({ unsent: true, owed: true })),
}

/** What another relay gave is carried on as soon as it is the device's turn, whoever is about to bring it. */
export const learnedGoesAtOnce: Sabotage = {
  patch: () =>
    patchMethod(
      RelayView.prototype,
      'owes',
      (owes) =>
        function owing(this: RelayView, ...learned) {
          owes.apply(this, learned)
          this.endWait()
        },
    ),
}

/** What was made here goes first, though others may have carried it over long ago. */
export const heldElsewhereIgnored: Sabotage = {
  patch: () => patchGetter(GivingBack.prototype, 'leave', (_self, leave) => ({ ...leave(), unsent: true })),
}

/** Deletions that Yjs derives from a relay's own entries count as what the relay lacks. */
export const derivedDeletionsUnsent: Sabotage = {
  patch: () =>
    patchMethod(
      LiveDocument.prototype,
      'apply',
      (apply) =>
        function applying(this: LiveDocument, view, entries) {
          const before = extentOf(this.doc).deletes
          const held = apply.call(this, view, entries)
          const derived = extentOf(this.doc).deletes.without(before)
          for (const { payload } of entries) derived.removeAll(changesOf(payload).deletes)
          for (const one of this.views.values()) one.lacks(new ChangeSet(new IdSet(), derived.copy()), 1)
          return held
        },
    ),
}

/** A document that the feed listed is forgotten with the process that read of it. */
export const staleForgotten: Sabotage = {
  patch: () => {
    const listed = new WeakMap<Library, Set<string>>()
    return allOf(
      patchMethod(
        Library.prototype,
        'listed',
        (original) =>
          function listing(this: Library, relay, pages) {
            const ids = pages.flatMap(({ documents }) => documents.map(({ documentId }) => documentId))
            listed.set(this, new Set([...(listed.get(this) ?? []), ...ids]))
            return original.call(this, relay, pages)
          },
      ),
      patchMethod(
        Library.prototype,
        'stale',
        (stale) =>
          function staleOnly(this: Library, relay) {
            return new Set([...stale.call(this, relay)].filter((id) => listed.get(this)?.has(id)))
          },
      ),
    )
  },
}

function withoutEntriesOf(own: ReadonlySet<string>, frame: Frame): Frame[] {
  if (frame.type !== 'ENTRIES') return [frame]
  const entries = frame.entries.filter(({ pushId }) => !own.has(hex(pushId)))
  return entries.length === 0 ? [] : [{ ...frame, entries }]
}

function yours(opened: Extract<Frame, { type: 'OPENED' }>): Frame {
  return { ...opened, turn: 'YOURS', turnWaitMs: 0 }
}

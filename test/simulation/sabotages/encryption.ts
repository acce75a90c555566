// Without what keeps a device that lacks a key from speaking for what it cannot read.
import { HeldEntries } from '../../../client/src/document/held-entries.ts'
import { LiveDocument } from '../../../client/src/document/live-document.ts'
import type { Sabotage } from '../sabotage.ts'
import { patchGetter, patchMethod } from './patching.ts'

/** What is held for want of a key keeps from no claim, no snapshot, and no word of a gap. */
export const sealedForbidsNothing: Sabotage = {
  patch: () => patchGetter(HeldEntries.prototype, 'hasSealed', () => false),
}

/** Keys that come change nothing for what is held: it waits for the next start. */
export const keysUnnoticed: Sabotage = {
  patch: () => patchMethod(LiveDocument.prototype, 'keysChanged', () => () => undefined),
}

/** What a relay did not give again counts as its own all the same. */
export const lostEntriesKnown: Sabotage = {
  patch: () => patchMethod(LiveDocument.prototype, 'disownHeld', () => () => undefined),
}

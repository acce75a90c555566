// Without what keeps claims that say nothing from being compared, and repairs from being asked for without end.
import { RelayView } from '../../../client/src/document/relay-view.ts'
import type { Sabotage } from '../sabotage.ts'
import { delegating } from '../simulated-relay.ts'
import { patchMethod } from './patching.ts'

/** Claims of one version of Yjs are held against those of another. */
export const profilesIgnored: Sabotage = {
  store: (store) => delegating(store, { claim: (request) => store.claim({ ...request, profile: 'any' }) }),
}

/** A claim from before a repair counts like any other. */
export const claimGenerationIgnored: Sabotage = {
  store: (store, memory) =>
    delegating(store, {
      claim: (request) => {
        const log = memory.snapshot().state.documents.get(request.documentId)
        return store.claim({ ...request, generation: log?.generation ?? request.generation })
      },
    }),
}

/** A device asks for a repair of the same cause in every burst. */
export const causesForgotten: Sabotage = {
  patch: () => patchMethod(RelayView.prototype, 'report', () => () => true),
}

/** A relay takes every asking for a new cause. */
export const fingerprintsIgnored: Sabotage = {
  store: (store) => {
    let asked = 0
    return delegating(store, {
      repair: (request) => {
        asked++
        const fingerprint = Uint8Array.from(request.fingerprint, (byte, i) => (i < 4 ? (asked >> (8 * i)) & 255 : byte))
        return store.repair({ ...request, fingerprint })
      },
    })
  },
}

/** Both of these at once. */
export const causesNeverKnown: Sabotage = { ...causesForgotten, ...fingerprintsIgnored }

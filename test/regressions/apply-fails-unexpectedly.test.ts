// A burst was reported as complete although the device had taken in nothing of what it was given: an error of any other
// class than TidemarkError, thrown while entries were applied, left the exchange failed without an error, and SYNCED
// then made it synced.
import { pushIdOf } from '@tidemark/protocol'
import { expect, it } from 'vitest'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import { Exchange } from '../../client/src/document/exchange.ts'
import type { LiveDocument } from '../../client/src/document/live-document.ts'
import { RelayView } from '../../client/src/document/relay-view.ts'
import { sha256 } from '../../relay/src/store/sha256.ts'

it('an entry that cannot be taken in for an unforeseen reason is no success', () => {
  const view = new RelayView('ws://relay.test', () => new ChangeSet())
  const document = {
    id: 'alice/novel',
    touch: () => undefined,
    apply: () => {
      throw new TypeError('a mistake of our own')
    },
  } as unknown as LiveDocument
  const exchange = new Exchange({
    document,
    view,
    compaction: 'never',
    windowBytes: 1,
    handsBack: false,
    isHeldElsewhere: false,
  })
  const payload = new Uint8Array([0, 0])
  const pushId = pushIdOf(sha256, 1, payload)
  const entries = [{ pushId, format: 1, total: payload.length, offset: 0, bytes: payload }]
  exchange.entries({ type: 'ENTRIES', channel: 1, entries })
  const [mark, tag] = [new Uint8Array([1]), new Uint8Array(8)]
  const synced = { type: 'SYNCED', channel: 1, mark, tag, confirmed: false, otherDevices: 0 } as const
  expect(exchange.synced(synced, 0)).toBe(false)
  expect(exchange.report()).toMatchObject({
    outcome: 'failed',
    error: { code: 'CANNOT_APPLY', message: expect.stringContaining('a mistake of our own') },
    entriesPulled: 0,
  })
  expect(view).toMatchObject({ mark: new Uint8Array(0), lastSyncedAt: null })
})

// The mutation check of snapshots: without what keeps them from standing for more than they hold, the simulation notices.
import { describe, expect, it } from 'vitest'
import { seedsUntilNoticed } from '../simulation/sabotages/detection.ts'
import {
  retryAfterBadSnapshot,
  shorterSnapshot,
  snapshotOfOldLine,
  uploadUnderLostLease,
} from '../simulation/sabotages/directed.ts'
import { badSnapshots, compacting } from '../simulation/sabotages/mixes.ts'
import { isNoticedByScripts, isNoticedBySeeds } from '../simulation/sabotages/noticing.ts'
import {
  fenceIgnored,
  knownStaysAfterSnapshot,
  movedBaseIgnored,
  pushIdsKnownBelowBase,
  snapshotChainIgnored,
  snapshotOfWhateverIsThere,
} from '../simulation/sabotages/snapshots.ts'

isNoticedBySeeds([
  ['push ids are known below the base', pushIdsKnownBelowBase, badSnapshots],
  ['a snapshot is made of more than the log', snapshotOfWhateverIsThere, compacting],
])

isNoticedByScripts([
  ['the chain at the mark of a snapshot is ignored', snapshotChainIgnored, snapshotOfOldLine],
  ['push ids are known below the base', pushIdsKnownBelowBase, retryAfterBadSnapshot],
  ['what was known stays known after a snapshot', knownStaysAfterSnapshot, shorterSnapshot],
  ['the fence is ignored', fenceIgnored, uploadUnderLostLease],
])

describe('nobody notices that', () => {
  // A snapshot above the base that is exactly the log up to its mark is right, whichever snapshot it takes the place of.
  it('the base has moved since the lease was given', async () => {
    expect(await seedsUntilNoticed('the base has moved', movedBaseIgnored, compacting, 60)).toBe(0)
  })
})

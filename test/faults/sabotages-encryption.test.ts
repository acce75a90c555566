// The mutation check of encryption: without what keeps a device from speaking for what it cannot read, the simulation notices.
import { keysUnnoticed, lostEntriesKnown, sealedForbidsNothing } from '../simulation/sabotages/encryption.ts'
import { rotating, rotatingAndLossy } from '../simulation/sabotages/mixes.ts'
import { isNoticedBySeeds } from '../simulation/sabotages/noticing.ts'

isNoticedBySeeds([
  ['a device speaks for what it cannot read', sealedForbidsNothing, rotating],
  ['a key that comes changes nothing', keysUnnoticed, rotating],
  ['what a relay lost while it was held counts as known there', lostEntriesKnown, rotatingAndLossy],
])

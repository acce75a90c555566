// The mutation check of the device: without one of its safeguards, the simulation notices.
import { deadAfterFeed, fiveReturn } from '../simulation/sabotages/directed.ts'
import { markBeforeRows } from '../simulation/sabotages/durability.ts'
import {
  derivedDeletionsUnsent,
  everybodysTurn,
  heldElsewhereIgnored,
  learnedGoesAtOnce,
  owedGoesFirst,
  staleForgotten,
} from '../simulation/sabotages/giving.ts'
import { carrying, closed, maps, ordinary, wiped } from '../simulation/sabotages/mixes.ts'
import { isNoticedByScripts, isNoticedBySeeds } from '../simulation/sabotages/noticing.ts'

isNoticedBySeeds([
  ['the mark is stored before its rows', markBeforeRows, ordinary],
  ['derived deletions count as unsent', derivedDeletionsUnsent, maps],
  ['what others made goes up before it is known to be missing', owedGoesFirst, wiped],
  ['what another relay gave is carried over though it is not missing', owedGoesFirst, carrying],
  ['what another relay gave is carried over at once', learnedGoesAtOnce, carrying],
  ['what others may have carried over goes first', heldElsewhereIgnored, carrying],
  ['stale documents are forgotten with the process', staleForgotten, closed],
])

isNoticedByScripts([
  ['it is everybody’s turn', everybodysTurn, fiveReturn],
  ['stale documents are forgotten with the process', staleForgotten, deadAfterFeed],
])

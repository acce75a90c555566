// The mutation check of the relay: without one of its safeguards, the simulation notices.
import { chainIgnored, feedTermsIgnored, receiptIgnored } from '../simulation/sabotages/bookmarks.ts'
import { acknowledgedEarly, readableEarly } from '../simulation/sabotages/durability.ts'
import { ownEntriesWithheld } from '../simulation/sabotages/giving.ts'
import { closed, lossy, ordinary, restored } from '../simulation/sabotages/mixes.ts'
import { isNoticedBySeeds } from '../simulation/sabotages/noticing.ts'

isNoticedBySeeds([
  ['the receipt is ignored', receiptIgnored, lossy],
  ['the chain of a bookmark is ignored', chainIgnored, lossy],
  ['the terms of the feed are ignored', feedTermsIgnored, closed],
  ['an acknowledgement comes before the flush', acknowledgedEarly, ordinary],
  ['what is not flushed is readable', readableEarly, ordinary],
  ['a device is not given what it pushed once', ownEntriesWithheld, restored],
])

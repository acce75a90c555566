// The mutation check of the relay: without one of its safeguards, the simulation notices.
import { describe, expect, it } from 'vitest'
import type { Sabotage } from '../simulation/sabotage.ts'
import { chainIgnored, feedTermsIgnored, receiptIgnored } from '../simulation/sabotages/bookmarks.ts'
import { seedsUntilNoticed } from '../simulation/sabotages/detection.ts'
import { acknowledgedEarly, readableEarly } from '../simulation/sabotages/durability.ts'
import { ownEntriesWithheld } from '../simulation/sabotages/giving.ts'
import { closed, lossy, type Mix, ordinary, restored } from '../simulation/sabotages/mixes.ts'

const SABOTAGES: readonly (readonly [string, Sabotage, Mix])[] = [
  ['the receipt is ignored', receiptIgnored, lossy],
  ['the chain of a bookmark is ignored', chainIgnored, lossy],
  ['the terms of the feed are ignored', feedTermsIgnored, closed],
  ['an acknowledgement comes before the flush', acknowledgedEarly, ordinary],
  ['what is not flushed is readable', readableEarly, ordinary],
  ['a device is not given what it pushed once', ownEntriesWithheld, restored],
]

describe('the simulation notices that', () => {
  it.each(SABOTAGES)('%s', async (name, sabotage, mix) => {
    expect(await seedsUntilNoticed(name, sabotage, mix)).toBeGreaterThan(0)
  })
})

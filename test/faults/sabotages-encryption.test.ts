// The mutation check of encryption: without what keeps a device from speaking for what it cannot read, the simulation notices.
import { describe, expect, it } from 'vitest'
import type { Sabotage } from '../simulation/sabotage.ts'
import { seedsUntilNoticed } from '../simulation/sabotages/detection.ts'
import { keysUnnoticed, lostEntriesKnown, sealedForbidsNothing } from '../simulation/sabotages/encryption.ts'
import { type Mix, rotating, rotatingAndLossy } from '../simulation/sabotages/mixes.ts'

const BY_SEEDS: readonly (readonly [string, Sabotage, Mix])[] = [
  ['a device speaks for what it cannot read', sealedForbidsNothing, rotating],
  ['a key that comes changes nothing', keysUnnoticed, rotating],
  ['what a relay lost while it was held counts as known there', lostEntriesKnown, rotatingAndLossy],
]

describe('the simulation notices that', () => {
  it.each(BY_SEEDS)('%s', async (name, sabotage, mix) => {
    expect(await seedsUntilNoticed(name, sabotage, mix)).toBeGreaterThan(0)
  })
})

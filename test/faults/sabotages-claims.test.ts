// The mutation check of claims and repairs: without what keeps them to their causes, the simulation notices.
import { describe, expect, it } from 'vitest'
import type { Sabotage } from '../simulation/sabotage.ts'
import {
  causesForgotten,
  causesNeverKnown,
  claimGenerationIgnored,
  fingerprintsIgnored,
  profilesIgnored,
} from '../simulation/sabotages/claims.ts'
import { noticedBy, seedsUntilNoticed } from '../simulation/sabotages/detection.ts'
import { claimFromBeforeRepair, oneCause, type Script } from '../simulation/sabotages/directed.ts'
import { claiming, littered, type Mix } from '../simulation/sabotages/mixes.ts'

const BY_SEEDS: readonly (readonly [string, Sabotage, Mix])[] = [
  ['claims of other profiles are compared', profilesIgnored, claiming],
  ['a device reports a cause again and again', causesForgotten, littered],
  ['causes are known to nobody', causesNeverKnown, littered],
]

const BY_SCRIPTS: readonly (readonly [string, Sabotage, Script])[] = [
  ['a claim from before a repair is compared', claimGenerationIgnored, claimFromBeforeRepair],
  ['a device reports a cause again and again', causesForgotten, oneCause],
  ['a relay repairs a cause again and again', fingerprintsIgnored, oneCause],
]

describe('the simulation notices that', () => {
  it.each(BY_SEEDS)('%s', async (name, sabotage, mix) => {
    expect(await seedsUntilNoticed(name, sabotage, mix)).toBeGreaterThan(0)
  })
})

describe('a script notices that', () => {
  it.each(BY_SCRIPTS)('%s', async (_name, sabotage, script) => {
    expect(await noticedBy(script, sabotage)).not.toBeNull()
  })
})

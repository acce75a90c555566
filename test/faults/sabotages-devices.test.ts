// The mutation check of the device: without one of its safeguards, the simulation notices.
import { describe, expect, it } from 'vitest'
import type { Sabotage } from '../simulation/sabotage.ts'
import { noticedBy, seedsUntilNoticed } from '../simulation/sabotages/detection.ts'
import { deadAfterFeed, fiveReturn, type Script } from '../simulation/sabotages/directed.ts'
import { markBeforeRows } from '../simulation/sabotages/durability.ts'
import {
  derivedDeletionsUnsent,
  everybodysTurn,
  owedGoesFirst,
  staleForgotten,
} from '../simulation/sabotages/giving.ts'
import { closed, type Mix, maps, ordinary, wiped } from '../simulation/sabotages/mixes.ts'

const BY_SEEDS: readonly (readonly [string, Sabotage, Mix])[] = [
  ['the mark is stored before its rows', markBeforeRows, ordinary],
  ['derived deletions count as unsent', derivedDeletionsUnsent, maps],
  ['what others made goes up before it is known to be missing', owedGoesFirst, wiped],
  ['stale documents are forgotten with the process', staleForgotten, closed],
]

const BY_SCRIPTS: readonly (readonly [string, Sabotage, Script])[] = [
  ['it is everybody’s turn', everybodysTurn, fiveReturn],
  ['stale documents are forgotten with the process', staleForgotten, deadAfterFeed],
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

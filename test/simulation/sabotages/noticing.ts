// What every mutation check says of its safeguards: taken away one by one, each is missed by some seed, or by its script.
import { describe, expect, it } from 'vitest'
import type { Sabotage } from '../sabotage.ts'
import { noticedBy, seedsUntilNoticed } from './detection.ts'
import type { Script } from './directed.ts'
import type { Mix } from './mixes.ts'

export function isNoticedBySeeds(cases: readonly (readonly [string, Sabotage, Mix])[]): void {
  describe('the simulation notices that', () => {
    it.each(cases)('%s', async (name, sabotage, mix) => {
      expect(await seedsUntilNoticed(name, sabotage, mix)).toBeGreaterThan(0)
    })
  })
}

export function isNoticedByScripts(cases: readonly (readonly [string, Sabotage, Script])[]): void {
  describe('a script notices that', () => {
    it.each(cases)('%s', async (_name, sabotage, script) => {
      expect(await noticedBy(script, sabotage)).not.toBeNull()
    })
  })
}

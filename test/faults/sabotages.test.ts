// The mutation check: with a safeguard taken away, some seed must fail.
import { describe, expect, it } from 'vitest'
import { runSeed } from '../simulation/run.ts'
import { SABOTAGES } from '../simulation/sabotages.ts'

const SEEDS_MAX = 150

describe('the simulation notices that', () => {
  it.each(Object.entries(SABOTAGES))('%s', async (name, sabotage) => {
    let found = 0
    for (let seed = 1; seed <= SEEDS_MAX && found === 0; seed++) {
      await runSeed(seed, { sabotage }).catch(() => {
        found = seed
      })
    }
    process.stdout.write(`${name}: found by seed ${found}\n`)
    expect(found).toBeGreaterThan(0)
    // It was the sabotage that failed, and nothing else.
    await runSeed(found)
  })
})

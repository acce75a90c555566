// The mutation check: with a safeguard taken away, some seed must fail that passes with it.
import { describe, expect, it } from 'vitest'
import { type Plan, planOf } from '../simulation/plan.ts'
import { runSeed } from '../simulation/run.ts'
import { SABOTAGES } from '../simulation/sabotages.ts'

const SEEDS_MAX = 300

/** Cuts between an ACK and its MARK, and rollbacks after them, which the ordinary mix seldom brings together. */
function lossyPlan(seed: number): Partial<Plan> {
  const { weights } = planOf(seed)
  return {
    relays: 1,
    documents: ['alice/novel'],
    limits: { pageEntriesMax: 1, messageBytesTarget: 60 },
    weights: { ...weights, cut: 4, backupRelay: 2, rollBackRelay: 1.5 },
  }
}

describe('the simulation notices that', () => {
  it.each(Object.entries(SABOTAGES))('%s', async (name, sabotage) => {
    let found = 0
    for (let seed = 1; seed <= SEEDS_MAX && found === 0; seed++) {
      const plan = lossyPlan(seed)
      await runSeed(seed, { plan, sabotage }).catch(() => {
        found = seed
      })
      // It was the sabotage that failed, and nothing else.
      if (found > 0) await runSeed(seed, { plan })
    }
    process.stdout.write(`${name}: found by seed ${found}\n`)
    expect(found).toBeGreaterThan(0)
  })
})

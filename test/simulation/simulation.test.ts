// Many seeds, each a run of its own: devices and relays in one process, a schedule that interleaves, cuts, repeats and
// crashes. `npm run simulate -- --seeds N --from S` runs others than these.
import { describe, expect, it } from 'vitest'
import { runSeed } from './run.ts'

const from = Number(process.env.SIMULATION_FROM ?? 1)
const seeds = Number(process.env.SIMULATION_SEEDS ?? 60)
const BATCH = 10

describe('the simulation', () => {
  for (let first = from; first < from + seeds; first += BATCH) {
    const last = Math.min(first + BATCH, from + seeds) - 1
    it(`holds for seeds ${first} to ${last}`, { timeout: 0 }, async ({ annotate }) => {
      let steps = 0
      for (let seed = first; seed <= last; seed++) {
        const result = await runSeed(seed)
        steps += result.steps
      }
      await annotate(`${steps} steps`)
      expect(steps).toBeGreaterThan(0)
    })
  }
})

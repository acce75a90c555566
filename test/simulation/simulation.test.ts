// Many seeds, each a run of its own: devices and relays in one process, a schedule that interleaves, cuts, repeats and
// crashes. `npm run simulate -- --seeds N --from S` runs others than these.
import { describe, expect, it } from 'vitest'
import { runSeed, tracedIn } from './run.ts'

const from = Number(process.env.SIMULATION_FROM ?? 1)
const seeds = Number(process.env.SIMULATION_SEEDS ?? 320)
const BATCH = 10

describe('the simulation', () => {
  for (let first = from; first < from + seeds; first += BATCH) {
    const last = Math.min(first + BATCH, from + seeds) - 1
    it(`holds for seeds ${first} to ${last}`, { timeout: 0 }, async () => {
      let steps = 0
      for (let seed = first; seed <= last; seed++) steps += (await runSeed(seed)).steps
      process.stdout.write(`seeds ${first} to ${last}: ${steps} steps\n`)
      expect(steps).toBeGreaterThan(0)
    })
  }

  it('repeats itself for a seed', { timeout: 0 }, async () => {
    const [one, other] = [await runSeed(5), await runSeed(5)]
    expect(tracedIn(other.trace)).toEqual(tracedIn(one.trace))
  })
})

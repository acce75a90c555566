// Many seeds, each a run of its own: devices and relays in one process, a schedule that interleaves, cuts, repeats and
// crashes. `npm run simulate -- --seeds N --from S --until MINUTES` runs others than these.
import { afterAll, describe, expect, it } from 'vitest'
import { runSeed, tracedIn } from './run.ts'
import { STORE_KINDS } from './stores/medium.ts'
import { Totals } from './totals.ts'

const { SIMULATION_SEEDS, SIMULATION_FROM, SIMULATION_MINUTES } = process.env
const isLong = SIMULATION_SEEDS !== undefined || SIMULATION_MINUTES !== undefined
const from = Number(SIMULATION_FROM ?? 1)
const seeds = SIMULATION_SEEDS !== undefined ? Number(SIMULATION_SEEDS) : isLong ? Number.POSITIVE_INFINITY : 300
const endsAt =
  SIMULATION_MINUTES === undefined ? Number.POSITIVE_INFINITY : Date.now() + 60_000 * Number(SIMULATION_MINUTES)

const BATCH = 100
const totals = new Totals()

afterAll(() => say(`in total: ${totals}`))

/** Seeds of one's own: all of them in one test, however many there are. */
function runLong(): void {
  it(`holds from seed ${from} on`, { timeout: 0 }, async () => {
    const failures: Error[] = []
    for (let seed = from; seed < from + seeds && Date.now() < endsAt; seed++) {
      try {
        totals.add(await runSeed(seed))
      } catch (error) {
        // The others may say more; what failed is told at the end as well.
        failures.push(error as Error)
        say(`failed, ${headOf(error as Error)}`)
      }
      if ((seed - from + 1) % BATCH === 0) say(`seeds ${from} to ${seed}: ${totals}`)
    }
    if (failures.length > 1) say(`${failures.length} seeds failed:\n${failures.map(headOf).join('\n')}`)
    if (failures[0] !== undefined) throw failures[0]
  })
}

function runChecks(): void {
  for (let first = from; first < from + seeds; first += BATCH) {
    const last = Math.min(first + BATCH, from + seeds) - 1
    it(`holds for seeds ${first} to ${last}`, { timeout: 0 }, async () => {
      for (let seed = first; seed <= last; seed++) totals.add(await runSeed(seed))
      expect(totals.seeds).toBe(last - from + 1)
    })
  }

  it('takes a hundred thousand steps', () => {
    expect(totals.steps).toBeGreaterThan(100_000)
  })

  it('repeats itself for a seed, whatever the devices store on', { timeout: 0 }, async () => {
    const plan = { stores: STORE_KINDS, devices: STORE_KINDS.length }
    const [one, other] = [await runSeed(5, { plan }), await runSeed(5, { plan })]
    expect(tracedIn(other.trace)).toEqual(tracedIn(one.trace))
  })
}

describe('the simulation', isLong ? runLong : runChecks)

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function headOf({ message }: Error): string {
  return message.slice(0, message.indexOf('\n'))
}

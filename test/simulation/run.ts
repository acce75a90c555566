// One seed from beginning to end.
import type { Words } from './network.ts'
import { type Plan, planOf } from './plan.ts'
import type { Sabotage } from './sabotage.ts'
import { Schedule } from './schedule.ts'
import { type Settlement, settleWorld } from './settlement.ts'
import { World } from './world.ts'

export interface RunOptions {
  /** Over the plan of the seed. */
  readonly plan?: Partial<Plan>
  readonly sabotage?: Sabotage
}

export interface RunResult extends Settlement {
  readonly seed: number
  readonly steps: number
  readonly counts: ReadonlyMap<string, number>
  readonly trace: readonly Words[]
}

export function tracedIn(words: readonly Words[]): readonly string[] {
  return words.map((line) => (typeof line === 'string' ? line : line()))
}

/** A run that broke an invariant; the message holds what its devices store on, its trace, and how to repeat it. */
class RunFailure extends Error {
  readonly seed: number
  readonly trace: readonly string[]

  constructor(seed: number, world: World, cause: unknown) {
    const what = cause instanceof Error ? (cause.name === 'Error' ? cause.message : String(cause.stack)) : String(cause)
    const trace = tracedIn(world.trace)
    const stores = world.devices.map(({ name, disk }) => `${name} on ${disk.kind}`).join(', ')
    const whatOfSeed = `seed ${seed} (${stores}): ${what}`
    const again = `npm run simulate -- --seeds 1 --from ${seed}`
    super(`${whatOfSeed}\n\n${trace.join('\n')}\n\n${whatOfSeed}\nRepeat it with: ${again}`, { cause })
    this.name = 'RunFailure'
    this.seed = seed
    this.trace = trace
  }
}

/** @throws RunFailure */
export async function runSeed(seed: number, { plan: given = {}, sabotage = {} }: RunOptions = {}): Promise<RunResult> {
  const plan: Plan = { ...planOf(seed), ...given }
  const restore = sabotage.patch?.()
  const world = new World({ plan, sabotage })
  try {
    const schedule = new Schedule(world, plan)
    for (let i = 0; i < plan.devices; i++) {
      world.addDevice(plan.documents.filter((_, at) => at === 0 || world.random.chance(0.6)))
    }
    for (let i = 0; i < plan.steps; i++) await schedule.step()
    const settlement = await settleWorld(world, plan.documents)
    await world.unplug()
    return { seed, steps: plan.steps, counts: world.deeds.counts, trace: world.trace, ...settlement }
  } catch (error) {
    throw new RunFailure(seed, world, error)
  } finally {
    restore?.()
  }
}

// Which step comes next: drawn from those that are possible now, each as likely as the plan says.
import type { Plan, StepName } from './plan.ts'
import type { Random } from './random.ts'
import { faultSteps } from './steps/faults.ts'
import { lifeSteps } from './steps/lives.ts'
import type { Course, Step, Steps } from './steps/step.ts'
import { strangeSteps } from './steps/strange.ts'
import { workSteps } from './steps/work.ts'
import { Strangers } from './strangers.ts'
import type { World } from './world.ts'

export class Schedule {
  readonly #world: World
  readonly #plan: Plan
  readonly #random: Random
  readonly #steps: readonly { readonly name: StepName; readonly step: Step; readonly weight: number }[]

  constructor(world: World, plan: Plan) {
    this.#world = world
    this.#plan = plan
    this.#random = world.random.fork()
    const course: Course = {
      world,
      plan,
      random: this.#random,
      strangers: new Strangers(world, world.random.fork()),
      relayBackups: new Map(),
      deviceBackups: new Map(),
    }
    const steps: Steps<StepName> = {
      ...workSteps(course),
      ...faultSteps(course),
      ...lifeSteps(course),
      ...strangeSteps(course),
    }
    this.#steps = Object.entries(steps)
      .map(([name, step]) => ({ name: name as StepName, step, weight: this.#plan.weights[name as StepName] }))
      .filter(({ weight }) => weight > 0)
  }

  /** Takes one step. */
  async step(): Promise<void> {
    const possible = this.#steps
      .map((one) => ({ ...one, choices: one.step.choices() }))
      .filter(({ choices }) => choices.length > 0)
    const at = this.#random.weighted(possible.map(({ weight }) => weight))
    const chosen = possible[at]
    if (chosen === undefined) throw new Error('There is nothing to do')
    const { name, step, choices } = chosen
    // What it brings about comes after it in the trace.
    const line = this.#world.trace.push(name) - 1
    this.#world.deeds.did(name)
    const detail = await step.take(this.#random.pick(choices) as never)
    this.#world.trace[line] = () => `${name} ${typeof detail === 'string' ? detail : detail()}`
    await this.#world.settle()
  }
}

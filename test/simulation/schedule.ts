// Which step comes next: drawn from those that are possible now, each as likely as the plan says.
import type { DiskImage } from '../../client/src/store/memory-disk.ts'
import type { MemorySnapshot } from '../../relay/src/store/memory.ts'
import { edit } from './edits.ts'
import { inWords, type Words } from './network.ts'
import type { Plan, StepName } from './plan.ts'
import type { Random } from './random.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'
import type { World } from './world.ts'

interface Step {
  /** Among these is chosen; none: the step is not possible now. */
  readonly choices: () => readonly unknown[]
  /** Says what was done, for the trace. */
  readonly take: (choice: never) => Words | Promise<Words>
}

const DEVICES_MAX = 7
const BACKUPS_MAX = 4

export class Schedule {
  readonly #world: World
  readonly #plan: Plan
  readonly #random: Random
  readonly #relayBackups = new Map<SimulatedRelay, MemorySnapshot[]>()
  readonly #deviceBackups = new Map<SimulatedDevice, DiskImage[]>()
  readonly #steps: Readonly<Record<StepName, Step>>

  constructor(world: World, plan: Plan) {
    this.#world = world
    this.#plan = plan
    this.#random = world.random.fork()
    this.#steps = { ...this.#work(), ...this.#faults(), ...this.#lives() }
  }

  /** Takes one step. */
  async step(): Promise<void> {
    const possible = Object.entries(this.#steps)
      .map(([name, step]) => ({ name: name as StepName, step, choices: step.choices() }))
      .filter(({ choices }) => choices.length > 0)
    const { name, step, choices } = possible[
      this.#random.weighted(possible.map(({ name: candidate }) => this.#plan.weights[candidate]))
    ] as (typeof possible)[number]
    // What it brings about comes after it in the trace.
    const at = this.#world.trace.push(name) - 1
    this.#world.count(name)
    const detail = await step.take(this.#random.pick(choices) as never)
    this.#world.trace[at] = () => `${name} ${typeof detail === 'string' ? detail : detail()}`
    await this.#world.settle()
  }

  #work(): Pick<Record<StepName, Step>, 'edit' | 'sync' | 'deliver' | 'commit' | 'flush' | 'answer' | 'time'> {
    const world = this.#world
    const random = this.#random
    return {
      edit: {
        choices: () => world.devices.filter(({ open, isClosing }) => open.size > 0 && !isClosing),
        take: (device: SimulatedDevice) => this.#edit(device),
      },
      sync: {
        choices: () => this.#running().filter(({ syncsRunning }) => syncsRunning < 2),
        take: (device: SimulatedDevice) => {
          const [only] = [...device.wanted]
          const documents = only !== undefined && random.chance(0.1) ? [only] : undefined
          const budgetMs = random.chance(0.1) ? random.between(1, 3_000) : undefined
          world.sync(device, { ...(documents && { documents }), ...(budgetMs && { budgetMs }) })
          return `${device.name}${documents ? ` only ${documents}` : ''}${budgetMs ? ` in ${budgetMs} ms` : ''}`
        },
      },
      deliver: {
        choices: () => world.network.busyLanes(),
        take: ({ link, direction, lane }: ReturnType<World['network']['busyLanes']>[number]) =>
          inWords(`${link.label} ${direction}`, lane.deliver()),
      },
      commit: {
        choices: () => world.devices.filter(({ commitsWaiting }) => commitsWaiting > 0),
        take: (device: SimulatedDevice) => world.endCommit(device, false).then(() => device.name),
      },
      flush: {
        choices: () => world.relays.filter(({ isFlushing }) => isFlushing),
        take: (relay: SimulatedRelay) => {
          relay.endFlush(null)
          return relay.name
        },
      },
      answer: {
        choices: () => world.relays.filter(({ answersWaiting }) => answersWaiting > 0),
        take: (relay: SimulatedRelay) => {
          relay.answer()
          return relay.name
        },
      },
      time: {
        choices: () => [random.pick([10, 300, 1_500, 5_000, 25_000])],
        take: async (durationMs: number) => {
          await world.pass(durationMs)
          return `${durationMs} ms`
        },
      },
    }
  }

  #faults(): Pick<
    Record<StepName, Step>,
    | 'cut'
    | 'crashDevice'
    | 'crashRelay'
    | 'startRelay'
    | 'rollBackRelay'
    | 'wipeRelay'
    | 'restoreDevice'
    | 'failCommit'
    | 'failFlush'
    | 'startDevice'
  > {
    const world = this.#world
    const random = this.#random
    const startedRelays = (): readonly SimulatedRelay[] => world.relays.filter(({ core }) => core !== null)
    return {
      cut: {
        choices: () => world.network.links,
        take: (link: World['network']['links'][number]) => {
          const first = random.pick(['device', 'relay', 'both'] as const)
          link.cut(first)
          return `${link.label}, noticed by ${first} first`
        },
      },
      crashDevice: {
        choices: () => world.devices.filter(({ isRunning }) => isRunning),
        take: (device: SimulatedDevice) => {
          device.crash()
          return device.name
        },
      },
      startDevice: {
        choices: () => world.devices.filter(({ isRunning }) => !isRunning),
        take: (device: SimulatedDevice) => {
          device.start()
          return device.name
        },
      },
      crashRelay: {
        choices: startedRelays,
        take: (relay: SimulatedRelay) => {
          world.stopRelay(relay)
          return relay.name
        },
      },
      startRelay: {
        choices: () => world.relays.filter(({ core }) => core === null),
        take: (relay: SimulatedRelay) => {
          relay.start()
          return relay.name
        },
      },
      rollBackRelay: {
        choices: () => world.relays.filter((relay) => (this.#relayBackups.get(relay)?.length ?? 0) > 0),
        take: (relay: SimulatedRelay) => {
          const newEpoch = random.chance(0.5)
          world.loseRelayData(relay, random.pick(this.#relayBackups.get(relay) ?? []), newEpoch)
          return `${relay.name}${newEpoch ? ', with a new epoch' : ''}`
        },
      },
      wipeRelay: {
        choices: () => world.relays,
        take: (relay: SimulatedRelay) => {
          world.loseRelayData(relay, null, true)
          return relay.name
        },
      },
      restoreDevice: {
        choices: () => world.devices.filter((device) => (this.#deviceBackups.get(device)?.length ?? 0) > 0),
        take: (device: SimulatedDevice) => {
          world.restoreDevice(device, random.pick(this.#deviceBackups.get(device) ?? []))
          return device.name
        },
      },
      failCommit: {
        choices: () => world.devices.filter(({ commitsWaiting, open }) => commitsWaiting > 0 && open.size > 0),
        take: (device: SimulatedDevice) => world.endCommit(device, true).then(() => device.name),
      },
      failFlush: {
        choices: () => world.relays.filter(({ isFlushing }) => isFlushing),
        take: (relay: SimulatedRelay) => {
          relay.endFlush(new Error('The disk is full'))
          return relay.name
        },
      },
    }
  }

  #lives(): Pick<
    Record<StepName, Step>,
    'quitDevice' | 'backupRelay' | 'backupDevice' | 'cloneDevice' | 'addDevice' | 'openDocument' | 'closeDocument'
  > {
    const world = this.#world
    const mayAdd = <Item>(items: readonly Item[]): readonly Item[] => (world.devices.length < DEVICES_MAX ? items : [])
    return {
      quitDevice: {
        choices: () => this.#running(),
        take: (device: SimulatedDevice) => {
          device.quit()
          return device.name
        },
      },
      backupRelay: {
        choices: () => world.relays,
        take: (relay: SimulatedRelay) => {
          keep(this.#relayBackups, relay, relay.backup())
          return relay.name
        },
      },
      backupDevice: {
        choices: () => world.devices,
        take: (device: SimulatedDevice) => {
          keep(this.#deviceBackups, device, device.disk.snapshot())
          return device.name
        },
      },
      cloneDevice: {
        choices: () => mayAdd(world.devices),
        take: (device: SimulatedDevice) => {
          const clone = world.addDevice(device.wanted, device.disk.snapshot())
          return `${device.name} as ${clone.name}`
        },
      },
      addDevice: {
        choices: () => mayAdd(this.#plan.documents),
        take: (documentId: string) => `${world.addDevice([documentId]).name} with ${documentId}`,
      },
      openDocument: {
        choices: () =>
          this.#running().flatMap((device) =>
            this.#plan.documents.filter((id) => !device.wanted.has(id)).map((id) => ({ device, id })),
          ),
        take: ({ device, id }: { device: SimulatedDevice; id: string }) => {
          device.openDocument(id)
          return `${device.name} ${id}`
        },
      },
      closeDocument: {
        choices: () => this.#running().flatMap((device) => [...device.open.keys()].map((id) => ({ device, id }))),
        take: ({ device, id }: { device: SimulatedDevice; id: string }) => {
          device.closeDocument(id)
          return `${device.name} ${id}`
        },
      },
    }
  }

  #running(): readonly SimulatedDevice[] {
    return this.#world.devices.filter(({ isRunning, isClosing }) => isRunning && !isClosing)
  }

  #edit(device: SimulatedDevice): string {
    const [id, manuscript] = this.#random.pick([...device.open])
    const edits = Array.from({ length: this.#random.pick([1, 1, 1, 2, 5]) }, () =>
      edit(manuscript, this.#random.pick(this.#plan.edits), this.#random),
    )
    return `${device.name} ${id} (client ${manuscript.doc.clientID}): ${edits.join(', ')}`
  }
}

function keep<Key, Backup>(backups: Map<Key, Backup[]>, key: Key, backup: Backup): void {
  backups.set(key, [...(backups.get(key) ?? []), backup].slice(-BACKUPS_MAX))
}

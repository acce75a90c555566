// Everything that takes part in one run, and what happened so far. Faults are methods here, so that the schedule and
// the regressions speak the same language. Nothing moves but by these methods; `settle` lets what they began run out.
import type { SyncOptions, SyncReport } from '@tidemark/client'
import { TidemarkError } from '@tidemark/client'
import { type DiskImage, MemoryDisk } from '../../client/src/store/memory-disk.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import type { MemoryRelayStore, MemorySnapshot } from '../../relay/src/store/memory.ts'
import { VirtualTime } from '../support/virtual-time.ts'
import { Invariants, Violation } from './invariants.ts'
import { BaseLink, Network, type Words } from './network.ts'
import type { Plan } from './plan.ts'
import { Promises } from './promises.ts'
import { Random } from './random.ts'
import { SimulatedDevice } from './simulated-device.ts'
import { SimulatedRelay } from './simulated-relay.ts'

export interface WorldOptions {
  readonly plan: Pick<Plan, 'seed' | 'relays' | 'carriers' | 'limits' | 'slowAnswers'>
  readonly sabotage?: Sabotage
}

/** Safeguards taken away, to see that the invariants notice. */
export interface Sabotage {
  readonly relayStore?: (store: MemoryRelayStore) => RelayStore
  /** A relay that dies comes back without its newest flush. */
  readonly relayForgets?: boolean
  readonly Disk?: typeof MemoryDisk
}

export class World {
  readonly random: Random
  readonly time: VirtualTime = new VirtualTime()
  readonly network: Network
  readonly invariants: Invariants
  readonly relays: SimulatedRelay[] = []
  readonly devices: SimulatedDevice[] = []
  readonly trace: Words[] = []
  /** How often each step was taken. */
  readonly counts = new Map<string, number>()
  readonly promises: Promises
  readonly #options: WorldOptions
  readonly #clientIds = new Set<number>()
  #violation: Violation | null = null

  constructor(options: WorldOptions) {
    const { plan, sabotage } = options
    this.#options = options
    this.random = new Random(plan.seed).fork()
    this.invariants = new Invariants(() => this.relays)
    this.promises = new Promises(this.invariants, () => this.relays)
    this.network = new Network({
      sent: (link, direction, bytes) => this.guard(() => this.invariants.sent(link, direction, bytes)),
    })
    for (let i = 1; i <= plan.relays; i++) {
      this.relays.push(
        new SimulatedRelay({
          name: `relay${i}`,
          limits: plan.limits,
          random: this.random.fork(),
          slowAnswers: plan.slowAnswers,
          sabotage: sabotage?.relayStore ?? ((store) => store),
          forgets: sabotage?.relayForgets ?? false,
          now: () => this.time.now(),
        }),
      )
    }
  }

  get losses(): number {
    return this.relays.reduce((sum, { losses }) => sum + losses, 0)
  }

  /** A violation may be noticed in the middle of the SDK, which must not swallow it. */
  guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.#violation ??= error
    }
  }

  count(step: string): void {
    this.counts.set(step, (this.counts.get(step) ?? 0) + 1)
  }

  /** Lets everything run that waits for nothing but its turn, then holds the world to what must always be so. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.network.dropEnded((link) => link instanceof BaseLink && link.isEnded)
    this.guard(() => {
      for (const device of this.devices) if (device.isRunning) this.invariants.checkSaved(device)
    })
    if (this.#violation !== null) throw this.#violation
  }

  async pass(durationMs: number): Promise<void> {
    await this.time.pass(durationMs)
    for (const relay of this.relays) relay.core?.sweep()
  }

  addDevice(documents: Iterable<string>, image?: DiskImage): SimulatedDevice {
    const name = String.fromCharCode('A'.charCodeAt(0) + this.devices.length)
    const { carriers } = this.#options.plan
    const device = new SimulatedDevice(
      {
        name,
        relays: this.relays.map(({ url }) => url),
        carrier: carriers[this.devices.length % carriers.length] ?? 'websocket',
        network: this.network,
        resolve: (url) => this.#relayAt(url),
        time: this.time,
        random: this.random.fork(),
        nextClientId: () => this.#nextClientId(),
        opened: (opener, { document }) => {
          this.invariants.watch(document.doc)
          this.guard(() => this.invariants.checkOpened(opener, document.id, document.doc))
        },
        failed: (what, error) => this.#fail(`${what}: ${String(error)}`),
        Disk: this.#options.sabotage?.Disk ?? MemoryDisk,
      },
      documents,
      image,
    )
    this.devices.push(device)
    this.guard(() => this.invariants.readDisk(device, true))
    device.start()
    return device
  }

  sync(device: SimulatedDevice, options: SyncOptions = {}): void {
    const promise = this.promises.made(device, options.documents ?? null)
    device.sync(options, (outcome) => {
      this.trace.push(`  ${device.name} synced: ${summaryOf(outcome)}`)
      this.guard(() => {
        if (outcome instanceof Error) this.#checkError(device, outcome)
        else {
          for (const relay of outcome.relays) {
            if (relay.error !== null) this.#checkError(device, relay.error)
            for (const { error } of relay.documents) if (error !== null) this.#checkError(device, error)
          }
          this.invariants.readDisk(device)
          this.promises.kept(promise, outcome)
        }
      })
    })
  }

  endCommit(device: SimulatedDevice, fails: boolean): Promise<void> {
    device.endCommit(fails)
    return this.#afterCommit(device)
  }

  restoreDevice(device: SimulatedDevice, image: DiskImage): void {
    if (device.isRunning) device.crash()
    device.restore(image)
    this.guard(() => this.invariants.readDisk(device, true))
  }

  stopRelay(relay: SimulatedRelay): void {
    for (const link of this.network.links) if (link.endpoint === relay) link.relayGone()
    relay.stop()
    this.guard(() => this.invariants.checkAcknowledged(relay))
  }

  /** The relay's data becomes that of a backup, or nothing (null); it is stopped for that. */
  loseRelayData(relay: SimulatedRelay, backup: MemorySnapshot | null, newEpoch: boolean): void {
    if (relay.core !== null) this.stopRelay(relay)
    this.invariants.willLose(relay)
    if (backup === null) relay.wipe()
    else relay.restore(backup, newEpoch)
    this.guard(() => {
      this.invariants.checkAcknowledged(relay, true)
      for (const device of this.devices) this.invariants.checkViews(device)
    })
  }

  async #afterCommit(device: SimulatedDevice): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.guard(() => this.invariants.readDisk(device))
  }

  #checkError(device: SimulatedDevice, error: Error): void {
    if (error instanceof TidemarkError && (EXPECTED.has(error.code) || device.isClosing)) return
    throw new Violation(`${device.name} met an error that nothing explains: ${error.stack ?? String(error)}`)
  }

  #fail(what: string): void {
    this.#violation ??= new Violation(what)
  }

  #relayAt(url: string): SimulatedRelay {
    const relay = this.relays.find((candidate) => url.startsWith(candidate.url))
    if (relay === undefined) throw new Error(`No relay at ${url}`)
    return relay
  }

  /** Never one twice; some as long as Yjs 14 makes them. */
  #nextClientId(): number {
    for (;;) {
      const id = this.random.chance(0.1) ? 2 ** 40 + this.random.between(1, 10_000) : this.random.between(1, 10_000)
      if (this.#clientIds.has(id)) continue
      this.#clientIds.add(id)
      return id
    }
  }
}

/** What a cut, a crash, a full disk or a relay that is away explains. */
const EXPECTED: ReadonlySet<string> = new Set([
  'OFFLINE',
  'TIMEOUT',
  'OVERLOADED',
  'STORAGE',
  'STORE_FULL',
] satisfies TidemarkError['code'][])

function summaryOf(outcome: SyncReport | Error): string {
  if (outcome instanceof Error) return `failed, ${outcome.message}`
  const of = (relay: SyncReport['relays'][number]): string => {
    const documents = relay.documents.map(
      ({ id, outcome: how, entriesPushed, entriesPulled, reseeded }) =>
        `${id} ${how} +${entriesPushed} -${entriesPulled}${reseeded ? ' reseeded' : ''}`,
    )
    return `${relay.complete ? 'complete' : (relay.error?.message ?? 'incomplete')} [${documents.join('; ')}]`
  }
  return outcome.relays.map(of).join(' | ')
}

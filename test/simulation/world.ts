// Everything that takes part in one run, and what happened so far. Faults are methods here, so that the schedule and
// the regressions speak the same language. Nothing moves but by these methods; `settle` lets what they began run out.
import type { SyncOptions, SyncReport } from '@tidemark/client'
import { TidemarkError } from '@tidemark/client'
import type { MemorySnapshot } from '../../relay/src/store/memory.ts'
import { VirtualTime } from '../support/virtual-time.ts'
import { CarryingInvariants } from './carrying-invariants.ts'
import { Deeds } from './deeds.ts'
import { DiskInvariants } from './disk-invariants.ts'
import { SimulatedKeys } from './keys.ts'
import { LogInvariants } from './log-invariants.ts'
import { BaseLink, Network, type Words } from './network.ts'
import type { Plan } from './plan.ts'
import { Promises } from './promises.ts'
import { Random } from './random.ts'
import type { Sabotage } from './sabotage.ts'
import { Histories, type Scene, Violation } from './scene.ts'
import { SimulatedDevice } from './simulated-device.ts'
import { SimulatedRelay } from './simulated-relay.ts'
import { DeviceDisk, type DiskBackup, turn } from './stores/device-disk.ts'
import { newIndexedDb } from './stores/indexeddb-medium.ts'
import { WireInvariants } from './wire-invariants.ts'

export interface WorldOptions {
  readonly plan: Pick<
    Plan,
    | 'seed'
    | 'relays'
    | 'stores'
    | 'carriers'
    | 'compactions'
    | 'keepingDeleted'
    | 'limits'
    | 'slowAnswers'
    | 'isEncrypted'
  >
  /** Safeguards taken away, to see that the invariants notice. */
  readonly sabotage?: Sabotage
}

export class World implements Scene {
  readonly random: Random
  readonly time: VirtualTime = new VirtualTime()
  readonly network: Network
  readonly keys: SimulatedKeys
  readonly histories: Histories
  readonly deeds: Deeds = new Deeds()
  readonly disks: DiskInvariants
  readonly logs: LogInvariants
  readonly carrying: CarryingInvariants
  readonly wire: WireInvariants
  readonly relays: SimulatedRelay[] = []
  readonly devices: SimulatedDevice[] = []
  readonly trace: Words[] = []
  readonly promises: Promises
  readonly #randomOfDisks: Random
  readonly #options: WorldOptions
  readonly #clientIds = new Set<number>()
  #violation: Violation | null = null

  constructor(options: WorldOptions) {
    const { plan, sabotage = {} } = options
    this.#options = options
    this.random = new Random(plan.seed).fork()
    // A source of its own: a plain run draws nothing from it.
    this.keys = new SimulatedKeys(new Random(plan.seed + 0x5eed), plan.isEncrypted)
    this.#randomOfDisks = new Random(plan.seed + 0xd15c)
    if (plan.stores.includes('IndexedDB')) newIndexedDb()
    this.histories = new Histories(this.keys)
    this.disks = new DiskInvariants(this)
    this.logs = new LogInvariants(this)
    this.carrying = new CarryingInvariants(this, this.disks)
    this.wire = new WireInvariants(this, this.disks, this.logs, this.carrying)
    this.promises = new Promises(this, this.disks)
    this.network = new Network(
      { sent: (link, direction, bytes) => this.guard(() => this.wire.sent(link, direction, bytes)) },
      sabotage.carrier?.(),
    )
    for (let i = 1; i <= plan.relays; i++) {
      this.relays.push(
        new SimulatedRelay({
          name: `relay${i}`,
          limits: plan.limits,
          random: this.random.fork(),
          slowAnswers: plan.slowAnswers,
          sabotage,
          now: () => this.time.now(),
          did: (what, documentId) => this.#did(`relay${i}`, what, documentId),
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

  /** Lets everything run that waits for nothing but its turn, then holds the world to what must always be so. */
  async settle(): Promise<void> {
    await turn()
    for (let turns = 0; turns < READING_TURNS_MAX && this.devices.some(({ disk }) => disk.isReading); turns++)
      await turn()
    for (const relay of this.relays) relay.rest()
    this.network.dropEnded((link) => link instanceof BaseLink && link.isEnded)
    this.guard(() => {
      for (const device of this.devices) if (device.isRunning) this.disks.checkSaved(device)
    })
    if (this.#violation !== null) throw this.#violation
  }

  async pass(durationMs: number): Promise<void> {
    await this.time.pass(durationMs)
    for (const relay of this.relays) relay.core?.sweep()
  }

  /** `backup`: on its disk stands what stood on that of another one. */
  addDevice(documents: Iterable<string>, backup?: DiskBackup): SimulatedDevice {
    const nth = this.devices.length
    const { stores, carriers, compactions, keepingDeleted } = this.#options.plan
    const name = nth < 26 ? String.fromCharCode('A'.charCodeAt(0) + nth) : `A${nth}`
    const disk = new DeviceDisk(
      {
        kind: stores[nth % stores.length] ?? 'memory',
        random: this.#randomOfDisks.fork(),
        sabotage: this.#options.sabotage ?? {},
        changed: () => this.guard(() => this.disks.read(device)),
        failed: (what) => this.#fail(`2: ${name}: ${what}`),
      },
      backup,
    )
    const device = new SimulatedDevice(
      {
        name,
        disk,
        relays: this.relays.map(({ url }) => url),
        carrier: carriers[nth % carriers.length] ?? 'websocket',
        compaction: compactions[nth % compactions.length] ?? 'gladly',
        gc: nth >= keepingDeleted,
        keys: this.keys.newRing(),
        network: this.network,
        resolve: (url) => this.#relayAt(url),
        time: this.time,
        random: this.random.fork(),
        nextClientId: () => this.nextClientId(),
        opened: (opener, { document }) => {
          this.disks.watch(document.doc)
          this.carrying.opened(opener, document.id, document.doc)
          this.guard(() => this.disks.checkOpened(opener, document.id, document.doc))
        },
        failed: (what, error) => this.#fail(`${what}: ${String(error)}`),
      },
      documents,
    )
    this.devices.push(device)
    this.guard(() => this.disks.read(device, true))
    device.start()
    return device
  }

  sync(device: SimulatedDevice, options: SyncOptions = {}): void {
    const promise = this.promises.made(device, options.documents ?? null)
    const burst = {}
    this.guard(() => this.carrying.asked(device, burst))
    device.sync(options, (outcome) => {
      this.guard(() => this.carrying.ended(device, burst, !(outcome instanceof Error) && outcome.complete))
      this.trace.push(`  ${device.name} synced: ${summaryOf(outcome)}`)
      this.guard(() => {
        if (outcome instanceof Error) this.#checkError(device, outcome)
        else {
          for (const relay of outcome.relays) {
            if (relay.error !== null) this.#checkError(device, relay.error)
            for (const { error } of relay.documents) if (error !== null) this.#checkError(device, error)
          }
          this.disks.read(device)
          this.promises.kept(promise, outcome)
        }
      })
    })
  }

  /** All devices die where they are; then all that was called durable is there. */
  async unplug(): Promise<void> {
    for (const device of this.devices) {
      device.crash(true)
      await device.disk.check()
    }
    await this.settle()
  }

  async endFlush(relay: SimulatedRelay, failure: Error | null): Promise<void> {
    relay.endFlush(failure)
    await turn()
    this.guard(() => this.logs.observe(relay))
  }

  restoreDevice(device: SimulatedDevice, backup: DiskBackup): void {
    if (device.isRunning) device.crash()
    device.restore(backup)
    this.guard(() => this.disks.read(device, true))
  }

  deleteDocument(device: SimulatedDevice, id: string): void {
    this.deeds.deleted.add(id)
    device.deleteDocument(id)
  }

  createDocument(device: SimulatedDevice, id: string): void {
    this.deeds.created.add(id)
    device.openDocument(id, true)
  }

  stopRelay(relay: SimulatedRelay): void {
    for (const link of this.network.links) if (link.endpoint === relay) link.relayGone()
    relay.stop()
    this.guard(() => this.logs.checkAcknowledged(relay))
  }

  /** The relay's data becomes that of a backup, or nothing (null); it is stopped for that. */
  loseRelayData(relay: SimulatedRelay, backup: MemorySnapshot | null, newEpoch: boolean): void {
    if (relay.core !== null) this.stopRelay(relay)
    if (backup === null) relay.wipe()
    else relay.restore(backup, newEpoch)
    this.guard(() => {
      this.logs.observe(relay)
      this.logs.checkAcknowledged(relay, true)
      for (const device of this.devices) this.disks.checkViews(device)
    })
  }

  /** Never one twice; some as long as Yjs 14 makes them. */
  nextClientId(): number {
    for (;;) {
      const id = this.random.chance(0.1) ? 2 ** 40 + this.random.between(1, 10_000) : this.random.between(1, 10_000)
      if (this.#clientIds.has(id)) continue
      this.#clientIds.add(id)
      return id
    }
  }

  #did(relay: string, what: string, documentId = ''): void {
    const { deeds } = this
    deeds.did(what)
    if (what === 'repairs' || what === 'compactions') deeds.mayResync(relay, documentId)
    // 8: devices that hold the same never claim otherwise.
    const isExplained = deeds.badSnapshots.size > 0 || deeds.liedAbout.has(documentId) || deeds.littered.has(documentId)
    if (what === 'claims that differ' && !isExplained) this.#fail(`8: devices claim different states of ${documentId}`)
  }

  #checkError(device: SimulatedDevice, error: Error): void {
    if (error instanceof TidemarkError && (device.isClosing || this.#isExplained(error))) return
    throw new Violation(`${device.name} met an error that nothing explains: ${error.stack ?? String(error)}`)
  }

  #isExplained({ code, documentId }: TidemarkError): boolean {
    if (code === 'DELETED') return this.deeds.deleted.has(documentId ?? '')
    if (code === 'CANNOT_APPLY') return this.deeds.littered.has(documentId ?? '')
    return EXPECTED.has(code)
  }

  #fail(what: string): void {
    this.#violation ??= new Violation(what)
  }

  #relayAt(url: string): SimulatedRelay {
    const relay = this.relays.find((candidate) => url.startsWith(candidate.url))
    if (relay === undefined) throw new Error(`No relay at ${url}`)
    return relay
  }
}

/** More than any read takes. */
const READING_TURNS_MAX = 10_000

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
      ({ id, outcome: how, error, entriesPushed, entriesPulled, reseeded }) =>
        `${id} ${how}${error === null ? '' : ` (${error.code})`} +${entriesPushed} -${entriesPulled}${reseeded ? ' reseeded' : ''}`,
    )
    return `${relay.complete ? 'complete' : (relay.error?.message ?? 'incomplete')} [${documents.join('; ')}]`
  }
  return outcome.relays.map(of).join(' | ')
}

// What many runs came to, in words.
import { cutIn } from './deeds.ts'
import type { RunResult } from './run.ts'
import { STORE_KINDS } from './stores/medium.ts'

const FAULTS = [
  'cut',
  'stall',
  'leap',
  'crashDevice',
  'crashRelay',
  'rollBackRelay',
  'wipeRelay',
  'restoreDevice',
  'cloneDevice',
  'failCommit',
  'failFlush',
  'bad snapshots',
  'junk',
  'lie',
  'harass',
  'zombie',
  'replayDelete',
  'otherVersion',
] as const

const EVENTS = [
  'edit',
  'sync',
  'compactions',
  'claims',
  'claims that agree',
  'claims that differ',
  'repairs',
  'resyncs',
  'deletions',
  'createDocument',
  'rotateKey',
  'giveKey',
] as const

export class Totals {
  #seeds = 0
  #steps = 0
  #entries = 0
  #redundant = 0
  readonly #counts = new Map<string, number>()

  get seeds(): number {
    return this.#seeds
  }

  get steps(): number {
    return this.#steps
  }

  add({ steps, entries, redundant, deletions, counts }: RunResult): void {
    this.#seeds++
    this.#steps += steps
    this.#entries += entries
    this.#redundant += redundant + deletions
    for (const [what, count] of counts) this.#counts.set(what, (this.#counts.get(what) ?? 0) + count)
  }

  toString(): string {
    const faults = FAULTS.reduce((sum, what) => sum + (this.#counts.get(what) ?? 0), 0)
    return [
      `${this.#seeds} seeds, ${this.#steps} steps, ${faults} faults (${this.#words(FAULTS)})`,
      `  ${this.#words(EVENTS)}; ${this.#entries} entries, of which ${this.#redundant} bring nothing`,
      `  devices that died in a call of their store: ${this.#words(STORE_KINDS, cutIn)}`,
    ].join('\n')
  }

  #words<What extends string>(what: readonly What[], countedAs: (one: What) => string = (one) => one): string {
    return what.map((one) => `${one} ${this.#counts.get(countedAs(one)) ?? 0}`).join(', ')
  }
}

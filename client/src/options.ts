// The options of a Tidemark, checked: each error names the option that is wrong.
import { isVault } from '@tidemark/protocol'
import type { KeyRing } from './crypto/key-ring.ts'
import { TidemarkError } from './errors.ts'
import { type Platform, platformOf } from './platform.ts'
import type { DeviceStore } from './store/contract.ts'

export type TokenSource = string | ((request: { relay: string; refused: boolean }) => string | Promise<string>)

/** A relay, named by its base URL: `ws://host:port` or `wss://host/path`. */
export interface RelayTarget {
  url: string
  /** Default: the `token` option. */
  token?: TokenSource
  /** Default 'auto': WebSocket, and HTTP where none can be opened. */
  carrier?: 'auto' | 'websocket' | 'http'
}

/** When to sync without being asked; all in milliseconds. */
export interface Schedule {
  /** Default 30,000, give or take a tenth. */
  everyMs?: number
  /** After the newest edit; default 2,000. */
  afterEditMs?: number
  /** After the oldest edit, however busily the writer types on; default 10,000. */
  longestWaitMs?: number
}

/** Whether this device makes the snapshots that compact a log: whenever a relay asks, when it is urgent, or never. */
export type CompactionPolicy = 'gladly' | 'whenUrgent' | 'never'

export interface TidemarkOptions {
  store: DeviceStore
  /** Default []: local only. Each is a full, independent backup. */
  relays?: readonly (string | RelayTarget)[]
  /** For relays without one of their own. Called when needed, and once more (`refused`) after a refusal. */
  token?: TokenSource
  /** Default {}. false: only sync() syncs. */
  schedule?: Schedule | false
  /** Vaults kept whole on this device; default []. */
  mirror?: readonly string[]
  /** Default whenUrgent. */
  compaction?: CompactionPolicy
  /** End-to-end encryption, on this device; default: none. What lies in the store stays plain. */
  encryption?: { keys: KeyRing }
  /** WebSocket, fetch, clock, timers, random. */
  platform?: Partial<Platform>
}

export interface CheckedOptions {
  readonly store: DeviceStore
  readonly relays: readonly Required<RelayTarget>[]
  readonly schedule: Required<Schedule> | null
  readonly mirror: readonly string[]
  readonly compaction: CompactionPolicy
  /** Null: nothing is encrypted. */
  readonly keys: KeyRing | null
  readonly platform: Platform
}

const CARRIERS = ['auto', 'websocket', 'http']
const COMPACTIONS: readonly CompactionPolicy[] = ['gladly', 'whenUrgent', 'never']
/** What timers of all platforms can count. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** @throws TidemarkError BAD_OPTION, naming the option */
export function checkOptions(options: TidemarkOptions): CheckedOptions {
  if (typeof options?.store?.open !== 'function') bad('store', 'a DeviceStore, such as indexedDbStore(name)')
  const keys = options.encryption === undefined ? null : checkKeyRing(options.encryption?.keys)
  const relays = (options.relays ?? []).map((relay, i) => checkRelay(relay, `relays[${i}]`, options.token ?? ''))
  if (new Set(relays.map(({ url }) => url)).size < relays.length) bad('relays', 'different from each other')
  const mirror = options.mirror ?? []
  mirror.forEach((vault, i) => {
    if (!isVault(vault)) bad(`mirror[${i}]`, 'a vault name, 1 to 64 of A-Z a-z 0-9 . _ ~ -')
  })
  const compaction = options.compaction ?? 'whenUrgent'
  if (!COMPACTIONS.includes(compaction)) bad('compaction', `one of ${COMPACTIONS.join(', ')}`)
  const schedule = options.schedule === false ? null : checkSchedule(options.schedule ?? {})
  return { store: options.store, relays, schedule, mirror, compaction, keys, platform: platformOf(options.platform) }
}

function checkRelay(relay: string | RelayTarget, name: string, token: TokenSource): Required<RelayTarget> {
  const target = typeof relay === 'string' ? { url: relay } : relay
  if (!/^wss?:\/\/[^/\s?#]+[^\s?#]*$/.test(target.url)) {
    bad(`${name}${typeof relay === 'string' ? '' : '.url'}`, 'a base URL such as wss://relay.example.org')
  }
  const carrier = target.carrier ?? 'auto'
  if (!CARRIERS.includes(carrier)) bad(`${name}.carrier`, `one of ${CARRIERS.join(', ')}`)
  return { url: target.url, token: target.token ?? token, carrier }
}

/** What is no key ring must not read as no encryption. */
function checkKeyRing(keys: KeyRing): KeyRing {
  const methods = [keys?.current, keys?.find, keys?.subscribe, keys?.suite?.derive]
  if (methods.some((method) => typeof method !== 'function'))
    bad('encryption.keys', 'a KeyRing, such as keyRing([key])')
  return keys
}

function checkSchedule(schedule: Schedule): Required<Schedule> {
  const checked = { everyMs: 30_000, afterEditMs: 2_000, longestWaitMs: 10_000, ...schedule }
  for (const [name, value] of Object.entries(checked)) {
    if (!(value > 0 && value <= TIMER_MS_MAX)) bad(`schedule.${name}`, 'a number of milliseconds above 0')
  }
  return checked
}

function bad(option: string, wanted: string): never {
  throw new TidemarkError('BAD_OPTION', `${option} must be ${wanted}`)
}

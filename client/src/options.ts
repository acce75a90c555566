// The options of a Tidemark, and of a sync, checked: each error names the option that is wrong, and what it must be.
import { isVault, SYNC_PATH } from '@tidemark/protocol'
import type { KeyRing } from './crypto/key-ring.ts'
import { TidemarkError } from './errors.ts'
import { type Platform, platformOf } from './platform.ts'
import type { DeviceStore } from './store/contract.ts'
import type { SyncOptions } from './sync/syncer.ts'

/**
 * A token, or what gives one when a burst begins, and once more, with `refused`, where the relay did not take that one. It has 20
 * seconds (then TIMEOUT); what it throws counts as OFFLINE; '' says that there is none to give, which the relay refuses (TOKEN).
 */
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
const PORT_MAX = 65_535
const A_VAULT = 'a vault name, 1 to 64 of A-Z a-z 0-9 . _ ~ -'

/** Stands where the app gave none. */
const NO_TOKEN: TokenSource = () => ''

type Names<Options> = Readonly<Record<keyof Options, true>>

const OPTIONS: Names<TidemarkOptions> = {
  store: true,
  relays: true,
  token: true,
  schedule: true,
  mirror: true,
  compaction: true,
  encryption: true,
  platform: true,
}
const RELAY_OPTIONS: Names<RelayTarget> = { url: true, token: true, carrier: true }
const SYNC_OPTIONS: Names<SyncOptions> = {
  budgetMs: true,
  signal: true,
  documents: true,
  vaults: true,
  onProgress: true,
}
const SCHEDULE: Required<Schedule> = { everyMs: 30_000, afterEditMs: 2_000, longestWaitMs: 10_000 }

/** @throws TidemarkError BAD_OPTION, naming the option */
export function checkOptions(options: TidemarkOptions): CheckedOptions {
  if (typeof options?.store?.open !== 'function') bad('store', 'a DeviceStore, such as indexedDbStore(name)')
  // A misspelt `encryption` must not read as none.
  checkNames(options, OPTIONS, '')
  const keys = options.encryption === undefined ? null : checkEncryption(options.encryption)
  const relays = listOf(options.relays, 'relays').map((relay, i) => checkRelay(relay, `relays[${i}]`, options.token))
  const different = new Set(relays.map(({ url }) => url.replace(/\/$/, '')))
  if (different.size < relays.length) bad('relays', 'different from each other')
  for (const relay of relays) checkToken(relay)
  const mirror = listOf(options.mirror, 'mirror')
  checkVaults(mirror, 'mirror')
  const compaction = options.compaction ?? 'whenUrgent'
  if (!COMPACTIONS.includes(compaction)) bad('compaction', `one of ${COMPACTIONS.join(', ')}`)
  const schedule = options.schedule === false ? null : checkSchedule(options.schedule ?? {})
  const platform = checkPlatform(options.platform ?? {})
  return { store: options.store, relays, schedule, mirror, compaction, keys, platform }
}

/** Document ids are checked where all are. @throws TidemarkError BAD_OPTION, naming the option */
export function checkSyncOptions(options: SyncOptions): void {
  checkNames(options, SYNC_OPTIONS, 'sync: ')
  const { documents, vaults, signal, onProgress } = options
  listOf(documents, 'documents')
  checkVaults(listOf(vaults, 'vaults'), 'vaults')
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') bad('signal', 'an AbortSignal')
  if (onProgress !== undefined && typeof onProgress !== 'function') bad('onProgress', 'a function')
}

function checkRelay(relay: string | RelayTarget, name: string, token: TokenSource | undefined): Required<RelayTarget> {
  const target: RelayTarget = typeof relay === 'string' ? { url: relay } : relay
  checkNames(target, RELAY_OPTIONS, `${name}: `)
  checkUrl(target.url, typeof relay === 'string' ? name : `${name}.url`)
  const carrier = target.carrier ?? 'auto'
  if (!CARRIERS.includes(carrier)) bad(`${name}.carrier`, `one of ${CARRIERS.join(', ')}`)
  return { url: target.url, token: target.token ?? token ?? NO_TOKEN, carrier }
}

function checkToken({ url, token }: RelayTarget): void {
  const isToken = typeof token === 'string' || typeof token === 'function'
  if (!isToken || token === NO_TOKEN) bad('token', `a text, or a function that gives one, for ${url}`)
}

function checkUrl(url: string, name: string): void {
  const wanted = 'a base URL such as wss://relay.example.org'
  if (typeof url !== 'string') bad(name, wanted)
  if (/^https?:/i.test(url)) bad(name, `${wanted}: ws:// for http://, wss:// for https://`)
  const [, port = '0'] = /^wss?:\/\/[^/]*?(?::(\d+))?(?:\/|$)/.exec(url) ?? []
  if (!/^wss?:\/\/[^/\s?#]+[^\s?#]*$/.test(url) || Number(port) > PORT_MAX) bad(name, wanted)
  if (url.replace(/\/$/, '').endsWith(SYNC_PATH)) bad(name, `${wanted}, without ${SYNC_PATH}`)
}

/** What is no key ring must not read as no encryption. */
function checkEncryption(encryption: { keys: KeyRing }): KeyRing {
  const keys = encryption?.keys
  const methods = [keys?.current, keys?.find, keys?.subscribe, keys?.suite?.derive]
  if (methods.some((method) => typeof method !== 'function'))
    bad('encryption.keys', 'a KeyRing, such as keyRing([key])')
  checkNames(encryption, { keys: true }, 'encryption: ')
  return keys
}

function checkSchedule(schedule: Schedule): Required<Schedule> {
  if (typeof schedule !== 'object') bad('schedule', 'false, or an object such as { everyMs: 30_000 }')
  checkNames(schedule, SCHEDULE, 'schedule: ')
  const checked = { ...SCHEDULE, ...given(schedule) }
  for (const [name, value] of Object.entries(checked)) {
    const isGood = typeof value === 'number' && value > 0 && value <= TIMER_MS_MAX
    if (!isGood) bad(`schedule.${name}`, 'a number of milliseconds above 0')
  }
  return checked
}

function checkPlatform(replacements: Partial<Platform>): Platform {
  checkNames(replacements, platformOf(), 'platform: ')
  return platformOf(given(replacements))
}

function checkVaults(vaults: readonly string[], name: string): void {
  vaults.forEach((vault, i) => {
    if (typeof vault !== 'string' || !isVault(vault)) bad(`${name}[${i}]`, A_VAULT)
  })
}

function listOf<Item>(list: readonly Item[] | undefined, name: string): readonly Item[] {
  return list === undefined || Array.isArray(list) ? (list ?? []) : bad(name, 'an array')
}

/** Without what is undefined: an app passes on so what it may not have, such as a WebSocket of its platform. */
function given<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options
}

/** `where` begins the message. */
function checkNames(options: object, names: object, where: string): void {
  const known = Object.keys(names).join(', ')
  if (typeof options !== 'object' || options === null) {
    throw new TidemarkError('BAD_OPTION', `${where}there must be an object with ${known}`)
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name))
  if (unknown !== undefined) {
    throw new TidemarkError('BAD_OPTION', `${where}there is no option ${unknown}; there are ${known}`)
  }
}

function bad(option: string, wanted: string): never {
  throw new TidemarkError('BAD_OPTION', `${option} must be ${wanted}`)
}

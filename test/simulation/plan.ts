// What kind of run a seed stands for: how many take part, which faults there are and how often, and how small the limits.
import type { CompactionPolicy } from '../../client/src/options.ts'
import type { Limits } from '../../relay/src/limits.ts'
import type { EditKind } from './edits.ts'
import { Random } from './random.ts'
import { STORE_KINDS, type StoreKind } from './stores/medium.ts'

export interface Plan {
  readonly seed: number
  readonly steps: number
  readonly relays: number
  readonly devices: number
  readonly documents: readonly string[]
  readonly carriers: readonly ('websocket' | 'http' | 'auto')[]
  /** Of the devices, one after the other; a clone has that of its original. */
  readonly stores: readonly StoreKind[]
  /** Of the devices as well. */
  readonly compactions: readonly CompactionPolicy[]
  /** So many devices keep what is deleted, as for a history of versions: gc off. */
  readonly keepingDeleted: number
  readonly edits: readonly EditKind[]
  readonly limits: Partial<Limits>
  readonly slowAnswers: number
  /** Documents are encrypted, and keys rotate. */
  readonly isEncrypted: boolean
  /** Weights of the steps; 0: never. */
  readonly weights: Readonly<Record<StepName, number>>
}

const STEP_NAMES = [
  'edit',
  'sync',
  'deliver',
  'commit',
  'write',
  'flush',
  'answer',
  'time',
  'leap',
  'sweep',
  'cut',
  'stall',
  'goOn',
  'crashDevice',
  'startDevice',
  'quitDevice',
  'crashRelay',
  'startRelay',
  'backupRelay',
  'rollBackRelay',
  'wipeRelay',
  'backupDevice',
  'restoreDevice',
  'cloneDevice',
  'addDevice',
  'openDocument',
  'closeDocument',
  'deleteDocument',
  'createDocument',
  'failCommit',
  'failFlush',
  'badSnapshot',
  'junk',
  'lie',
  'harass',
  'zombie',
  'replayDelete',
  'otherVersion',
  'rotateKey',
  'giveKey',
] as const

export type StepName = (typeof STEP_NAMES)[number]

const EDITS: readonly EditKind[] = [
  'text',
  'delete',
  'rich',
  'map',
  'array',
  'nested',
  'nested rich',
  'xml',
  'undo',
  'subdocument',
]
const SECOND = 1_000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

/** Each fault is in some of the runs, and how often it comes differs too. */
export function planOf(seed: number): Plan {
  const random = new Random(seed)
  const carrier = random.pick(['websocket', 'websocket', 'http', 'mixed'] as const)
  const edits = random.chance(0.3) ? EDITS : EDITS.filter(() => random.chance(0.4))
  const relays = random.pick([1, 1, 1, 1, 1, 1, 2, 2, 2, 3])
  // Then in pieces of the usual size: of smaller ones there would be thousands.
  const isBig = random.chance(0.05)
  const plan: Omit<Plan, 'isEncrypted' | 'stores' | 'weights'> = {
    seed,
    steps: random.pick([150, 300, 300, 600]),
    relays,
    devices: random.between(2, 4),
    documents: ['alice/novel', 'alice/notes', 'bob/list'].slice(0, random.pick([1, 1, 2, 3])),
    carriers: carrier === 'mixed' ? ['websocket', 'http', 'auto'] : [carrier],
    compactions: random.pick([['gladly'], ['gladly', 'whenUrgent', 'never'], ['whenUrgent', 'gladly'], ['never']]),
    keepingDeleted: random.pick([0, 0, 1, 2]),
    edits: [...(edits.length === 0 ? (['text', 'delete'] as const) : edits), ...(isBig ? BIG : [])],
    limits: { ...rhythmOf(random), ...(isBig ? {} : random.chance(0.5) ? {} : smallLimits(random)) },
    slowAnswers: random.pick([0, 0, 0.2, 0.7]),
  }
  const weights = weightsOf(random)
  // Drawn last, so that a seed of a plain run stands for what it stood for before.
  const isEncrypted = random.chance(0.35)
  const ofKeys = isEncrypted ? { rotateKey: random.pick([0.3, 1]), giveKey: random.pick([0.3, 2]) } : NO_KEYS
  const stores = Array.from({ length: STORES_MAX }, () => random.pick(STORE_KINDS))
  return { ...plan, isEncrypted, stores, weights: { ...weights, ...ofKeys } }
}

/** So many that no two devices of a run have to have the same. */
const STORES_MAX = 7

const NO_KEYS = { rotateKey: 0, giveKey: 0 } as const

const BIG: readonly EditKind[] = ['big']

function weightsOf(random: Random): Omit<Plan['weights'], keyof typeof NO_KEYS> {
  const sometimes = (weight: number, probability = 0.5): number =>
    random.chance(probability) ? weight * random.pick([0.5, 1, 2]) : 0
  const losses = random.chance(0.35)
  const deletes = random.chance(0.2)
  const strangers = random.chance(0.2)
  return {
    edit: random.pick([4, 8, 16]),
    sync: random.pick([3, 5]),
    deliver: 40,
    commit: random.pick([8, 25]),
    write: 10,
    flush: random.pick([4, 20]),
    answer: 20,
    time: 1.5,
    leap: sometimes(0.4),
    sweep: 0.5,
    cut: sometimes(1),
    stall: sometimes(0.7, 0.3),
    goOn: 1,
    crashDevice: sometimes(0.8),
    startDevice: 8,
    quitDevice: sometimes(0.5),
    crashRelay: sometimes(0.6),
    startRelay: 8,
    backupRelay: 1,
    rollBackRelay: losses ? sometimes(0.4, 0.8) : 0,
    wipeRelay: losses ? sometimes(0.25) : 0,
    backupDevice: 1,
    restoreDevice: sometimes(0.4, 0.25),
    cloneDevice: sometimes(0.3, 0.25),
    addDevice: sometimes(0.3, 0.4),
    openDocument: 1,
    closeDocument: sometimes(0.5),
    deleteDocument: deletes ? 0.4 : 0,
    createDocument: deletes ? sometimes(0.6) : 0,
    failCommit: sometimes(0.4, 0.25),
    failFlush: sometimes(0.4, 0.25),
    badSnapshot: sometimes(0.4, 0.2),
    junk: strangers ? sometimes(0.6, 0.7) : 0,
    lie: strangers ? sometimes(0.4) : 0,
    harass: strangers ? sometimes(0.4) : 0,
    zombie: sometimes(0.6, 0.3),
    replayDelete: deletes ? sometimes(0.5) : 0,
    otherVersion: sometimes(0.4, 0.25),
  }
}

/** So short that compactions, claims, turns and repairs come all the time, and retention ends. */
function rhythmOf(random: Random): Partial<Limits> {
  const retentionMs = random.pick([0, MINUTE, 7 * DAY])
  return {
    compactEntries: random.pick([2, 3, 5, 8]),
    compactBytesMin: random.pick([1, 200, 64 * 1024]),
    compactBytesRatio: random.pick([1, 2]),
    leaseMs: random.pick([SECOND, 10 * SECOND, MINUTE]),
    turnMs: random.pick([SECOND, 10 * SECOND, MINUTE]),
    claimEntries: random.pick([1, 2, 5]),
    claimEveryMs: random.pick([MINUTE, DAY]),
    repairWaitMs: random.pick([SECOND, 10 * SECOND]),
    retentionMs,
    retentionMaxMs: random.pick([retentionMs, 4 * retentionMs]),
    // No run lasts so long: what a device does that was away for longer is a matter of its own.
    tombstoneMs: 10_000 * DAY,
    uploadIdleMs: random.pick([10 * SECOND, DAY]),
    sweepEveryMs: SECOND,
  }
}

/** So small that everything comes in pieces and pages. */
function smallLimits(random: Random): Partial<Limits> {
  return {
    pageEntriesMax: random.pick([1, 2, 5]),
    pageBytesMax: random.pick([50, 300]),
    entriesBytesTarget: random.pick([20, 100]),
    messageBytesTarget: random.pick([60, 400]),
    pieceBytesTarget: random.pick([16, 100, 32 * 1024]),
    pieceBytesMax: random.pick([48, 200, 65_536]),
    httpResponseBytesTarget: random.pick([100, 1_000]),
    feedDocumentsMax: random.pick([1, 2]),
    sendBufferBytesMax: random.pick([100, 2_000]),
  }
}

// What kind of run a seed stands for: how many take part, which faults there are and how often, and how small the limits.
import type { Limits } from '../../relay/src/limits.ts'
import type { EditKind } from './edits.ts'
import { Random } from './random.ts'

export interface Plan {
  readonly seed: number
  readonly steps: number
  readonly relays: number
  readonly devices: number
  readonly documents: readonly string[]
  readonly carriers: readonly ('websocket' | 'http' | 'auto')[]
  readonly edits: readonly EditKind[]
  readonly limits: Partial<Limits>
  readonly slowAnswers: number
  /** Weights of the steps; 0: never. */
  readonly weights: Readonly<Record<StepName, number>>
}

const STEP_NAMES = [
  'edit',
  'sync',
  'deliver',
  'commit',
  'flush',
  'answer',
  'time',
  'cut',
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
  'failCommit',
  'failFlush',
] as const

export type StepName = (typeof STEP_NAMES)[number]

const EDITS: readonly EditKind[] = ['text', 'delete', 'rich', 'map', 'array', 'nested', 'xml', 'undo']

/** Each fault is in about half of the runs, and how often it comes differs too. */
export function planOf(seed: number): Plan {
  const random = new Random(seed)
  const sometimes = (weight: number, probability = 0.5): number =>
    random.chance(probability) ? weight * random.pick([0.5, 1, 2]) : 0
  const losses = random.chance(0.35)
  const carrier = random.pick(['websocket', 'websocket', 'http', 'mixed'] as const)
  const edits = random.chance(0.3) ? EDITS : EDITS.filter(() => random.chance(0.4))
  return {
    seed,
    steps: random.pick([150, 300, 300, 600]),
    relays: random.chance(0.7) ? 1 : 2,
    devices: random.between(2, 4),
    documents: ['alice/novel', 'alice/notes', 'bob/list'].slice(0, random.pick([1, 1, 2, 3])),
    carriers: carrier === 'mixed' ? ['websocket', 'http', 'auto'] : [carrier],
    edits: edits.length === 0 ? ['text', 'delete'] : edits,
    limits: random.chance(0.5) ? {} : smallLimits(random),
    slowAnswers: random.pick([0, 0, 0.2, 0.7]),
    weights: {
      edit: random.pick([4, 8, 16]),
      sync: random.pick([3, 5]),
      deliver: 40,
      commit: random.pick([8, 25]),
      flush: random.pick([4, 20]),
      answer: 20,
      time: 1.5,
      cut: sometimes(1),
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
      failCommit: sometimes(0.4, 0.25),
      failFlush: sometimes(0.4, 0.25),
    },
  }
}

/** So small that everything comes in pieces and pages. */
function smallLimits(random: Random): Partial<Limits> {
  return {
    pageEntriesMax: random.pick([1, 2, 5]),
    pageBytesMax: random.pick([50, 300]),
    entriesBytesTarget: random.pick([20, 100]),
    messageBytesTarget: random.pick([60, 400]),
    pieceBytesMax: random.pick([16, 200, 65_536]),
    httpResponseBytesTarget: random.pick([100, 1_000]),
    feedDocumentsMax: random.pick([1, 2]),
    sendBufferBytesMax: random.pick([100, 2_000]),
  }
}

// Kinds of runs in which the absence of one safeguard shows soonest: what a safeguard is for comes often, all else seldom.
import { type Plan, planOf } from '../plan.ts'

export type Mix = (seed: number) => Partial<Plan>

const NOVEL_ONLY = { relays: 1, documents: ['alice/novel'] } as const

/** The mix of the simulation itself. */
export const ordinary: Mix = () => ({})

/** Work, and nothing that disturbs it. */
function undisturbed(seed: number): Plan['weights'] {
  const { weights } = planOf(seed)
  const nothing = Object.fromEntries(Object.keys(weights).map((name) => [name, 0])) as Plan['weights']
  const { edit, sync, deliver, commit, flush, answer, time, startDevice, startRelay, openDocument } = weights
  return { ...nothing, edit, sync, deliver, commit, flush, answer, time, startDevice, startRelay, openDocument }
}

function limitsOf(seed: number, over: Plan['limits']): Plan['limits'] {
  return { ...planOf(seed).limits, ...over }
}

/** Cuts between an ACK and its MARK, and rollbacks after them. */
export const lossy: Mix = (seed) => ({
  ...NOVEL_ONLY,
  limits: limitsOf(seed, { pageEntriesMax: 1, messageBytesTarget: 60 }),
  weights: { ...undisturbed(seed), cut: 4, backupRelay: 2, rollBackRelay: 1.5, crashDevice: 0.5 },
})

/** Rollbacks under documents that are closed, and bursts that are cut between the feed and what it lists. */
export const closed: Mix = (seed) => ({
  relays: 1,
  documents: ['alice/novel', 'alice/notes'],
  weights: {
    ...undisturbed(seed),
    closeDocument: 2,
    openDocument: 0.5,
    crashDevice: 1,
    cut: 1,
    backupRelay: 2,
    rollBackRelay: 1.5,
  },
})

/** Compactions all the time, zombies and rollbacks, and what is hidden dropped soon. */
export const compacting: Mix = (seed) => ({
  ...NOVEL_ONLY,
  compactions: ['gladly'],
  limits: limitsOf(seed, { compactEntries: 2, leaseMs: 1_000, retentionMs: 0, retentionMaxMs: 0 }),
  weights: {
    ...undisturbed(seed),
    sync: 8,
    sweep: 2,
    cut: 1,
    zombie: 2,
    backupRelay: 1,
    rollBackRelay: 0.6,
    addDevice: 0.3,
    leap: 0.3,
  },
})

/** Snapshots that miss something, and devices that come by way of them. */
export const badSnapshots: Mix = (seed) => ({
  ...NOVEL_ONLY,
  compactions: ['gladly'],
  limits: limitsOf(seed, {
    compactEntries: 3,
    claimEntries: 1,
    repairWaitMs: 1_000,
    retentionMs: 60_000,
    retentionMaxMs: 60_000,
  }),
  weights: {
    ...undisturbed(seed),
    sync: 8,
    badSnapshot: 1,
    sweep: 1,
    cut: 2,
    crashDevice: 1,
    addDevice: 0.5,
    leap: 0.3,
  },
})

/** A relay that comes back with nothing, and many devices that return at once. */
export const wiped: Mix = (seed) => ({
  ...NOVEL_ONLY,
  devices: 5,
  limits: limitsOf(seed, { turnMs: 60_000 }),
  weights: { ...undisturbed(seed), wipeRelay: 0.12, sync: 12, time: 0.1 },
})

/** Keys of maps that are set by everybody. */
export const maps: Mix = (seed) => ({
  ...NOVEL_ONLY,
  devices: 5,
  edits: ['map', 'nested'],
  weights: { ...undisturbed(seed), sync: 10 },
})

/** Claims of all kinds, and repairs. */
export const claiming: Mix = (seed) => ({
  ...NOVEL_ONLY,
  limits: limitsOf(seed, { claimEntries: 1, claimEveryMs: 60_000, repairWaitMs: 1_000 }),
  weights: { ...undisturbed(seed), sync: 10, otherVersion: 1.5, harass: 0.3, stall: 1, goOn: 1 },
})

/** Bytes that nobody can take in. */
export const littered: Mix = (seed) => ({
  ...NOVEL_ONLY,
  limits: limitsOf(seed, { repairWaitMs: 1_000 }),
  weights: { ...undisturbed(seed), sync: 8, junk: 1, crashDevice: 0.5 },
})

/** Devices that are restored from backups. */
export const restored: Mix = (seed) => ({
  ...NOVEL_ONLY,
  weights: { ...undisturbed(seed), sync: 8, backupDevice: 1.5, restoreDevice: 1 },
})

/** Two relays, one of which is out of reach now and then, and devices that carry between them. */
export const carrying: Mix = (seed) => ({
  ...NOVEL_ONLY,
  relays: 2,
  devices: 5,
  isEncrypted: false,
  weights: { ...undisturbed(seed), sync: 10, cut: 1, crashRelay: 0.3 },
})

/** Keys that rotate, and come late. */
export const rotating: Mix = (seed) => ({
  ...NOVEL_ONLY,
  isEncrypted: true,
  compactions: ['gladly'],
  weights: { ...undisturbed(seed), rotateKey: 1, giveKey: 0.5 },
})

/** The same, and relays that lose what a device holds of them. */
export const rotatingAndLossy: Mix = (seed) => {
  const { weights = undisturbed(seed), ...plan } = rotating(seed)
  return { ...plan, weights: { ...weights, backupRelay: 2, rollBackRelay: 1, wipeRelay: 0.5 } }
}

// What is done to logs by those who are no honest device of this run, or who no longer know what they do.
import type { MemoryDocument } from '../../../relay/src/store/memory-state.ts'
import { BAD_SNAPSHOTS, installBadSnapshot, mayBeCompacted } from '../bad-snapshots.ts'
import { JUNK } from '../junk.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import type { Course, Steps } from './step.ts'

type Strange = 'badSnapshot' | 'junk' | 'lie' | 'harass' | 'zombie' | 'replayDelete' | 'otherVersion'

interface LogChoice {
  readonly relay: SimulatedRelay
  readonly log: MemoryDocument
}

interface TombstoneChoice {
  readonly relay: SimulatedRelay
  readonly documentId: string
  readonly incarnation: Uint8Array
}

export function strangeSteps({ world, random, strangers }: Course): Steps<Strange> {
  const started = (): readonly SimulatedRelay[] => world.relays.filter(({ core }) => core !== null)
  const logs = (): readonly LogChoice[] =>
    started().flatMap((relay) => [...relay.state.documents.values()].map((log) => ({ relay, log })))
  return {
    badSnapshot: {
      choices: () => logs().filter(({ log }) => mayBeCompacted(log)),
      take: ({ relay, log }: LogChoice) => {
        const kind = random.pick(BAD_SNAPSHOTS)
        installBadSnapshot(world, relay, log, kind, random).catch(() => undefined) // A failed flush, or a crash.
        return `${kind}, of ${log.documentId} at ${relay.name}`
      },
    },
    junk: {
      choices: logs,
      take: ({ relay, log }: LogChoice) =>
        random.chance(0.2) ? strangers.babble(relay) : strangers.litter(relay, log, random.pick(JUNK)),
    },
    lie: { choices: logs, take: ({ relay, log }: LogChoice) => strangers.lie(relay, log) },
    harass: { choices: logs, take: ({ relay, log }: LogChoice) => strangers.harass(relay, log) },
    zombie: { choices: logs, take: ({ relay, log }: LogChoice) => strangers.zombie(relay, log) },
    replayDelete: {
      choices: (): readonly TombstoneChoice[] =>
        started().flatMap((relay) =>
          [...relay.state.tombstones].flatMap(([documentId, tombstones]) =>
            tombstones.map(({ incarnation }) => ({ relay, documentId, incarnation })),
          ),
        ),
      take: ({ relay, documentId, incarnation }: TombstoneChoice) =>
        strangers.replayDelete(relay, documentId, incarnation),
    },
    otherVersion: { choices: logs, take: ({ relay, log }: LogChoice) => strangers.otherVersion(relay, log) },
  }
}

// Stores that break at a crash, and the runs in which that shows soonest.
import type { FileSystem, OpenFile } from '../../../client/src/node/file-store-disk.ts'
import { planOf } from '../plan.ts'
import type { Sabotage } from '../sabotage.ts'
import type { StoreKind } from '../stores/medium.ts'
import type { Mix } from './mixes.ts'

/** Devices that all have this kind of store, and die in the middle of its commits. */
export function crashingOn(kind: StoreKind): Mix {
  return (seed) => {
    const { weights } = planOf(seed)
    return { relays: 1, stores: [kind], weights: { ...weights, write: 25, commit: 8, crashDevice: 1.5 } }
  }
}

const NOT_FLUSHED = { sync: async (): Promise<void> => undefined, datasync: async (): Promise<void> => undefined }

function flushing(files: FileSystem, isFlushed: (path: string) => boolean): FileSystem {
  const open = async (path: string, flags: string): Promise<OpenFile> => {
    const file = await files.open(path, flags)
    return isFlushed(path) ? file : { ...file, ...NOT_FLUSHED }
  }
  return {
    open,
    mkdir: (path, options) => files.mkdir(path, options),
    readdir: (path) => files.readdir(path),
    rename: (from, to) => files.rename(from, to),
    unlink: (path) => files.unlink(path),
  }
}

/** The journal then names what no disk holds. */
export const rowsUnflushed: Sabotage = { files: (files) => flushing(files, (path) => !path.includes('/rows')) }

type Entries = readonly (readonly [key: string, value: unknown])[]

/** An entry of the journal, or a base, is stored before the segments that it names. */
export const headsFirst: Sabotage = {
  backend: (backend) => {
    const set = async (entries: Entries): Promise<void> => backend.set(entries as never)
    let segments: Entries = []
    const setHeadsFirst = async (entries: Entries): Promise<void> => {
      if (entries.every(([key]) => key.includes('/s/'))) {
        segments = [...segments, ...entries]
        return
      }
      const late = segments
      segments = []
      await set(entries)
      if (late.length > 0) await set(late)
    }
    return { ...backend, set: setHeadsFirst }
  },
}

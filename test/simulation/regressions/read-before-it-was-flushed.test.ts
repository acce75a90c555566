// A process dies after it has written or renamed a file and before it has flushed that. The next one on the same files
// reads it, says that it is stored, and builds upon it; then the power fails.
import { expect, it } from 'vitest'
import type { StoreWrite } from '../../../client/src/store/contract.ts'
import { Random } from '../random.ts'
import { DeviceDisk } from '../stores/device-disk.ts'

/** Of each moment to die at, several courses: of what was under way any part may have happened. */
const COURSES = 12
/** More than opening an empty store and two commits take. */
const CALLS = 40

const WRITES: readonly StoreWrite[] = Array.from({ length: 2 }, (_, i) => ({
  append: [{ documentId: 'd', bytes: Uint8Array.of(i) }],
  records: [{ key: 'r', bytes: new Uint8Array(500).fill(i) }],
}))

/** Opens the store, commits, and lets through so many calls at most. */
async function work(disk: DeviceDisk, callsMax: number): Promise<void> {
  let isDone = false
  const end = (): void => {
    isDone = true
  }
  commitAll(disk).then(end, end) // The disk tells of its failures by itself.
  for (let calls = 0; calls < callsMax && !isDone; calls++) await disk.endCall()
}

async function commitAll(disk: DeviceDisk): Promise<void> {
  const store = await disk.store().open()
  for (const write of WRITES) await store.commit(write)
}

it('what a start finds in the files outlasts a power cut, though a process died before it flushed that', async () => {
  const failures: string[] = []
  for (let callsMax = 0; callsMax < CALLS; callsMax++) {
    for (let course = 0; course < COURSES; course++) {
      const failed = (what: string): void => void failures.push(`${callsMax} calls, course ${course}: ${what}`)
      const random = new Random(course)
      const disk = new DeviceDisk({ kind: 'files', random, sabotage: {}, changed: () => undefined, failed })
      await work(disk, callsMax)
      disk.crash(false)
      await work(disk, course % 2 === 0 ? CALLS * 2 : 3)
      disk.crash(true)
      await disk.check()
    }
  }
  expect(failures).toEqual([])
})

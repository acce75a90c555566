// Disks that fail in other ways than the one of the short form: any single write, the page that seals a commit among them,
// and flushes that do not come back.
import { expect } from 'vitest'
import { failDisk } from '../support/failing-disk.ts'
import { itRequiring, missingProgram } from '../support/requirement.ts'

const itWithStrace = itRequiring(missingProgram('strace', ['-o', '/dev/null', 'true']))
/** A thread that hangs keeps Node from ending by itself. */
const ENDINGS = [
  { code: 74, signal: null },
  { code: null, signal: 'SIGKILL' },
]
/** Where a page cannot be written lmdb-js may damage its own memory, and die of it before it can say why: decision 12. */
const CRASHES = ['SIGABRT', 'SIGSEGV']

itWithStrace(
  'a write that fails once, be it of data or of the page that seals a commit, ends the process',
  async () => {
    const hit = { data: 0, seal: 0 }
    for (let write = 60; hit.data < 6 || hit.seal < 3; write++) {
      const { calls, ...report } = await failDisk(`pwrite64:error=EIO:when=${write}`, ['commitTimeoutMs=1500'])
      const failed = calls.find(({ name, error }) => name === 'pwrite64' && error === 'EIO')
      // LMDB writes pages whole, but for the 128 bytes that seal a commit.
      const kind = failed?.bytes.length === 128 ? 'seal' : 'data'
      hit[kind]++
      process.stdout.write(`write ${write}, ${kind}: ${JSON.stringify(report)}\n`)
      expect(failed).toBeDefined()
      const hasCrashed = kind === 'data' && CRASHES.includes(report.ending.signal ?? '')
      if (!hasCrashed) expect(ENDINGS).toContainEqual(report.ending)
      if (!hasCrashed) expect(report.reason).toContain('The store has failed')
      expect(report).toMatchObject({ acknowledgedTooEarly: [], entriesLost: 0 })
      expect(report.acknowledged).toBeGreaterThan(0)
    }
  },
)

itWithStrace('a flush that does not come back ends the process once its commit is past the deadline', async () => {
  const { calls, ...report } = await failDisk('fdatasync:delay_enter=8000000:when=40+', ['commitTimeoutMs=1000'])
  process.stdout.write(`${JSON.stringify(report)}\n`)
  expect(ENDINGS).toContainEqual(report.ending)
  expect(report.reason).toContain('The store has failed: A commit did not end within 1000 ms')
  expect(report).toMatchObject({ acknowledgedTooEarly: [], entriesLost: 0 })
})

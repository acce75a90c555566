// The end of a process that must end: with its exit code, and also where a thread hangs for which Node would wait for ever.
// It runs what was built: `npm test` builds first.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { itRequiring, missingProgram } from '../support/requirement.ts'

const END = new URL('../../relay/dist/process-end.js', import.meta.url)
let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-end-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

it('ends with the exit code', async () => {
  expect(await endOf('')).toEqual([74, null])
})

itRequiring(missingProgram('mkfifo', ['--version']))('ends although a thread hangs', async () => {
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  // Opening a pipe that nobody writes to holds one of the threads that Node waits for at the end.
  const hang = `fs.open(${JSON.stringify(pipe)}, 'r', () => undefined); await new Promise((resolve) => setTimeout(resolve, 100))`
  const began = performance.now()
  expect(await endOf(hang)).toEqual([null, 'SIGKILL'])
  expect(performance.now() - began).toBeLessThan(20_000)
})

async function endOf(before: string): Promise<unknown[]> {
  const program = `import fs from 'node:fs'; import { endProcess } from '${END.href}'; ${before}; endProcess(74)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' })
  return once(child, 'exit')
}

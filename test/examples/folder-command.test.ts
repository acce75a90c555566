// The command of the folder example: what it says in the end, and its exit code.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRelay, type Relay } from '@tidemark/relay'
import { afterEach, beforeEach, expect, it } from 'vitest'

const COMMAND = fileURLToPath(new URL('../../examples/folder/dist/main.js', import.meta.url))

let home = ''
let relay: Relay

beforeEach(async () => {
  if (!existsSync(COMMAND)) throw new Error('The example is not built: run `npm run build` first')
  home = await mkdtemp(join(tmpdir(), 'tidemark-folder-'))
  relay = await createRelay({ data: join(home, 'relay') })
  await mkdir(join(home, 'laptop'))
})

afterEach(async () => {
  await relay.close()
  await rm(home, { recursive: true })
})

interface Run {
  readonly process: ChildProcess
  /** Resolves when it has ended, to its exit code. */
  readonly code: Promise<number | null>
  said: string
}

async function run(machine: string, grant: string, ...more: string[]): Promise<Run> {
  const env = { ...process.env, TIDEMARK_TOKEN: await relay.mintToken([grant]) }
  const options = ['--folder', join(home, machine), '--relay', relay.url, '--vault', 'alice', ...more]
  const child = spawn(process.execPath, [COMMAND, ...options], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const begun: Run = { process: child, code: once(child, 'close').then(([code]) => code), said: '' }
  child.stdout.on('data', (chunk) => {
    begun.said += String(chunk)
  })
  return begun
}

it('that is ended while it deletes a file does not say that everything is on the relay before the deletion is', async () => {
  for (const name of ['one.md', 'two.md']) await writeFile(join(home, 'laptop', name), name)
  expect(await (await run('laptop', 'alice/*:delete', '--once')).code).toBe(0)
  await rm(join(home, 'laptop', 'one.md'))
  const command = await run('laptop', 'alice/*:delete', '--every', '1000')
  // It has synced once when it says this, and not again.
  await writeFile(join(home, 'laptop', 'three.md'), 'three')
  await expect.poll(() => command.said, { timeout: 30_000 }).toContain('three.md: new here')
  command.process.kill('SIGINT')
  expect(await command.code).toBe(0)
  expect(command.said).toContain('one.md: deleted here')
  expect(command.said).toMatch(/Everything is on the relay\.\n$/)
  expect(await (await run('desktop', 'alice/*:delete', '--once')).code).toBe(0)
  expect((await readdir(join(home, 'desktop'))).sort()).toEqual(['.tidemark', 'three.md', 'two.md'])
}, 60_000)

it('that may not write says so, and why', async () => {
  await writeFile(join(home, 'laptop', 'one.md'), 'Words.')
  const command = await run('laptop', 'alice/*:read', '--once')
  expect(await command.code).toBe(1)
  expect(command.said).toMatch(/Not everything is on the relay yet \(.+\); it goes on at the next start\.\n$/)
}, 60_000)

// A process that is killed in the middle of its commits, again and again on the same store.
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import { seeded, texts } from './rows.ts'
import { newScratchDirectory } from './scratch.ts'

const KILLS = 12
const COMMITS_BEFORE_KILL_MAX = 300
const REPLACE_EVERY = 50

vi.setConfig({ testTimeout: 120_000 })

let parent: string
let program: string
beforeAll(async () => {
  parent = await newScratchDirectory()
  program = join(parent, 'committing-process.mjs')
  const entryPoint = fileURLToPath(new URL('./committing-process.ts', import.meta.url))
  await build({ entryPoints: [entryPoint], outfile: program, bundle: true, platform: 'node', format: 'esm' })
})
afterAll(() => rm(parent, { recursive: true }))

it('loses no resolved commit and leaves no part of one when its process is killed', async () => {
  const directory = join(parent, 'store')
  const chance = seeded(1)
  let promised = 0
  for (let kill = 0; kill < KILLS; kill++) {
    promised = await commitUntilKilled(directory, promised + 1 + Math.floor(chance() * COMMITS_BEFORE_KILL_MAX))
    const store = await fileStore(directory).open()
    const last = Number(texts(await store.records('last'))[0])
    expect(last).toBeGreaterThanOrEqual(promised)
    for (const documentId of ['a', 'b']) {
      const first = Math.max(1, last - (last % REPLACE_EVERY))
      const expected = Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`)
      expect(texts(await store.rows(documentId))).toEqual(expected)
    }
    await store.close()
  }
})

/** Kills the process when it has promised this commit. Resolves to the last one that it has promised. */
function commitUntilKilled(directory: string, commit: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (promisedIn(output) >= commit) child.kill('SIGKILL')
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(promisedIn(output))
      else reject(new Error(`the process ended by itself, with ${code}`))
    })
  })
}

function promisedIn(output: string): number {
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1) ?? 0)
}

// The background-sync example, each task a process of its own as on a phone.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { createRelay, type Relay } from '@tidemark/relay'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Outcome } from '../../examples/background-sync/src/background-sync.ts'
import { Random } from '../simulation/random.ts'

const COMMAND = fileURLToPath(new URL('../../examples/background-sync/dist/main.js', import.meta.url))
const DOCUMENTS = 40

let home = ''
let relay: Relay
let token = ''

beforeEach(async () => {
  if (!existsSync(COMMAND)) throw new Error('The example is not built: run `npm run build` first')
  home = await mkdtemp(join(tmpdir(), 'tidemark-background-'))
  relay = await createRelay({ data: join(home, 'relay') })
  token = await relay.mintToken(['alice/*:write'])
})

afterEach(async () => {
  await relay.close()
  await rm(home, { recursive: true })
})

interface Task {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number; readonly outcome: Outcome | null }>
}

function start(environment: Record<string, string> = {}, budgetMs = 25_000): Task {
  const flags = [
    '--storage',
    join(home, 'phone'),
    '--relay',
    relay.url,
    '--vault',
    'alice',
    '--budget-ms',
    `${budgetMs}`,
  ]
  const env = { ...process.env, TIDEMARK_TOKEN: token, ...environment }
  const child = spawn(process.execPath, [COMMAND, ...flags], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const said = text(child.stdout)
  const ended = once(child, 'close').then(async ([code]) => {
    const line = await said
    return { code: code as number, outcome: line === '' ? null : (JSON.parse(line) as Outcome) }
  })
  return { child, ended }
}

/** Another device of the writer, which has written a library. */
async function laptop(): Promise<Tidemark> {
  const device = new Tidemark({ relays: [relay.url], token, store: memoryStore(), schedule: false })
  for (let i = 0; i < DOCUMENTS; i++) {
    const document = await device.open(`alice/${i}`)
    document.doc.getText('text').insert(0, `chapter ${i} `.repeat(3_000))
  }
  expect(await device.sync()).toMatchObject({ complete: true })
  return device
}

it('takes up the library, and then has nothing more to do', async () => {
  const device = await laptop()
  expect(await start().ended).toEqual({ code: 0, outcome: { result: 'done', documentsLeft: 0, problem: null } })
  expect(await start().ended).toEqual({ code: 0, outcome: { result: 'done', documentsLeft: 0, problem: null } })
  await device.close()
})

it('that is ended at any moment goes on where it was', async () => {
  const device = await laptop()
  const random = new Random(1)
  for (let task = 0; task < 6; task++) {
    const { child, ended } = start()
    setTimeout(() => child.kill(task % 2 === 0 ? 'SIGKILL' : 'SIGTERM'), random.between(200, 900))
    const { code, outcome } = await ended
    if (outcome?.result === 'later') expect(code).toBe(75)
  }
  expect(await start().ended).toMatchObject({ code: 0, outcome: { result: 'done', documentsLeft: 0 } })
  await device.close()
})

it('says whether to come back, or that only the app can help', async () => {
  await (await laptop()).close()
  expect(await start({}, 1).ended).toMatchObject({ code: 75, outcome: { result: 'later' } })
  const refused = await start({ TIDEMARK_TOKEN: 'no token at all' }).ended
  expect(refused).toMatchObject({ code: 1, outcome: { result: 'stuck' } })
  expect(refused.outcome?.problem).toMatch(/token/i)
})

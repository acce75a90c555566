// The command of the folder example, killed again and again at whatever it does: no word is lost, none comes twice.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRelay } from '@tidemark/relay'
import { expect, it } from 'vitest'
import { Random } from '../simulation/random.ts'

const COMMAND = fileURLToPath(new URL('../../examples/folder/dist/main.js', import.meta.url))
const KILLS = 12
const MACHINES = ['laptop', 'desktop'] as const

/** Unlike any other: of two that begin alike, nobody can tell which one was put beside the other. */
function wordOf(random: Random): string {
  return String.fromCharCode(...Array.from({ length: 8 }, () => random.between(0x61, 0x7a)))
}

it(`two folders whose commands are killed ${KILLS} times`, async () => {
  if (!existsSync(COMMAND)) throw new Error('The example is not built: run `npm run build` first')
  const random = new Random(1)
  const home = await mkdtemp(join(tmpdir(), 'tidemark-folder-'))
  const relay = await createRelay({ data: join(home, 'relay') })
  const token = await relay.mintToken(['alice/*:delete'])
  const file = (machine: string): string => join(home, machine, 'novel.md')
  const run = (machine: string, ...more: string[]): ChildProcess => {
    const options = [
      '--folder',
      join(home, machine),
      '--relay',
      relay.url,
      '--vault',
      'alice',
      '--every',
      '0.1',
      ...more,
    ]
    const env = { ...process.env, TIDEMARK_TOKEN: token }
    return spawn(process.execPath, [COMMAND, ...options], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const runOnce = async (machine: string): Promise<void> => {
    const [code] = await once(run(machine, '--once'), 'exit')
    expect(code).toBe(0)
  }

  await mkdir(join(home, 'laptop'))
  await writeFile(file('laptop'), 'first. last.')
  for (const machine of MACHINES) await runOnce(machine)
  const words = ['first.', 'last.']
  for (let kill = 0; kill < KILLS; kill++) {
    for (const machine of MACHINES) {
      const written = (await readFile(file(machine), 'utf8')).split(' ')
      const word = `${wordOf(random)}.`
      written.splice(random.between(0, written.length), 0, word)
      await writeFile(file(machine), written.join(' '))
      words.push(word)
    }
    const commands = MACHINES.map((machine) => run(machine))
    await sleep(random.between(200, 1_500))
    for (const command of commands) {
      command.kill('SIGKILL')
      if (command.signalCode === null) await once(command, 'exit')
    }
  }
  for (const machine of [...MACHINES, ...MACHINES]) await runOnce(machine)
  const [laptop, desktop] = await Promise.all(MACHINES.map((machine) => readFile(file(machine), 'utf8')))
  expect(desktop).toBe(laptop)
  // Where two words were put at one place, one blank may stand on either side.
  expect(laptop?.match(/[a-z]+\./g)?.sort()).toEqual(words.sort())
  await relay.close()
  await rm(home, { recursive: true })
}, 120_000)

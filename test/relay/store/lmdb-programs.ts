// Programs that work on LMDB stores in processes of their own, to be killed or watched: built, run, and listened to.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'

const repository = join(import.meta.dirname, '../../..')
/** Within the repository, so that the programs find their packages. */
const programs = join(repository, 'node_modules/.cache/tidemark-tests', `store-${process.pid}`)

/** The path of the built program of this name in `programs/`. */
export async function buildProgram(name: string): Promise<string> {
  const outfile = join(programs, `${name}.mjs`)
  await build({
    entryPoints: [join(import.meta.dirname, 'programs', `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['lmdb'],
    alias: { '@tidemark/protocol': join(repository, 'protocol/src/index.ts') },
  })
  return outfile
}

export function removePrograms(): void {
  rmSync(programs, { recursive: true, force: true })
}

export function startProgram(program: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Lets a program run until it has said so many lines, kills it, and returns all that it said. */
export async function runUntilKilled(
  program: string,
  args: readonly string[],
  enough: number,
): Promise<readonly string[]> {
  const child = startProgram(program, args)
  const said: string[] = []
  try {
    if (child.stdout === null) throw new Error('The output is not piped')
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      said.push(line)
      if (said.length === enough) child.kill('SIGKILL')
    })
    // Its output ends while it is still dying, and holds the store.
    await Promise.all([once(lines, 'close'), once(child, 'exit')])
  } finally {
    child.kill('SIGKILL')
  }
  if (said.length < enough) throw new Error(`The program ended by itself, having said ${said.length} lines`)
  return said
}

// The LMDB store against the world: processes killed, two processes at once, a slow disk under observation, a full disk.
import { type ChildProcess, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { judge, readPage } from '../../../relay/src/store/conformance/subject.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { buildProgram, removePrograms, runUntilKilled, startProgram } from './lmdb-programs.ts'

const undo: (() => void)[] = []
let writer: string

beforeAll(async () => {
  writer = await buildProgram('writer')
})

afterAll(removePrograms)

afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
})

describe('lmdb store, killed', () => {
  it('holds everything that was acknowledged, whenever it is killed (kill -9)', async () => {
    const directory = newDirectory()
    const acknowledged = new Map<string, { readonly documentId: string; readonly index: number }>()
    for (const enough of [1, 40, 300, 900]) {
      const lines = await runUntilKilled(writer, [directory, 'acknowledge'], enough)
      for (const line of lines.filter((line) => line !== 'open')) {
        const [documentId, index, pushId] = line.split(' ')
        if (documentId === undefined || pushId === undefined) throw new Error(`What is "${line}"?`)
        acknowledged.set(pushId, { documentId, index: Number(index) })
      }
      await expectAcknowledged(directory, acknowledged)
    }
    expect(acknowledged.size).toBeGreaterThan(1_200)
  })

  it('is refused to a second process while the first lives, and taken over when it is dead', async () => {
    const directory = newDirectory()
    const child = startProgram(writer, [directory, 'acknowledge'])
    undo.push(() => child.kill('SIGKILL'))
    await linesOf(child, 20)
    for (let time = 0; time < 3; time += 1) {
      await expect(openLmdbStore({ directory })).rejects.toMatchObject({
        code: 'IN_USE',
        message: `The store in ${directory} is in use by process ${child.pid}`,
      })
    }
    await linesOf(child, 20)
    await kill(child)
    const store = await openLmdbStore({ directory })
    expect((await judge(store, 'v0/d0')).status).toBe('OK')
    await store.close()
  })
})

describe('lmdb store, on disks that are', () => {
  it('slow: shows and acknowledges an entry only after the flush that holds it (case 13)', (context) => {
    requireLinux(context, 'strace', ['-e', 'trace=none', 'true'])
    const directory = newDirectory()
    const trace = join(directory, 'trace')
    const watched = [process.execPath, writer, join(directory, 'data'), 'watch']
    const calls = 'trace=write,pwrite64,pwritev,writev,fdatasync,fsync'
    execFileSync('strace', ['-f', '-o', trace, '-e', calls, '-e', 'inject=fdatasync:delay_enter=150000', ...watched])
    const lines = readFileSync(trace, 'utf8').split('\n')
    const position = (text: string): number => lines.findIndex((line) => line.includes(text))
    const begin = position('write(1, "begin')
    const flushed = lines.findIndex((line, at) => at > begin && /fdatasync(\(\d+\)| resumed>\)).* = 0/.test(line))
    expect(begin).toBeGreaterThan(-1)
    expect(flushed).toBeGreaterThan(begin)
    expect(position('write(1, "visible')).toBeGreaterThan(flushed)
    expect(position('write(1, "acknowledged')).toBeGreaterThan(flushed)
  })

  it('full: refuses with STORAGE, stays readable, and recovers by itself (case 20)', (context) => {
    requireLinux(context, 'mount', ['--version'])
    if (process.getuid?.() !== 0) giveUp(context, 'only root may mount a small tmpfs')
    const directory = newDirectory()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory])
    undo.push(() => execFileSync('umount', [directory]))
    const ballast = join(directory, 'ballast')
    writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024))
    mkdirSync(join(directory, 'data'))
    const said = execFileSync(process.execPath, [writer, join(directory, 'data'), 'fill', ballast], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { whileFull, readWhileFull, afterwards, failed } = JSON.parse(said)
    expect(whileFull.refusals).toBe(3)
    expect(whileFull.acknowledged).toBeGreaterThan(10)
    expect(whileFull.head).toBe(whileFull.acknowledged)
    expect(readWhileFull).toBe(whileFull.acknowledged)
    expect(afterwards).toEqual({ acknowledged: 3, head: whileFull.head + 3 })
    expect(failed).toBe(false)
  })
})

async function expectAcknowledged(
  directory: string,
  acknowledged: ReadonlyMap<string, { readonly documentId: string; readonly index: number }>,
): Promise<void> {
  const store = await openLmdbStore({ directory })
  const pushIds = new Map<string, readonly string[]>()
  for (const documentId of new Set(Array.from(acknowledged.values(), (entry) => entry.documentId))) {
    const { entries } = await readPage(store, documentId)
    pushIds.set(
      documentId,
      entries.map(({ pushId }) => Buffer.from(pushId).toString('hex')),
    )
  }
  for (const [pushId, { documentId, index }] of acknowledged) {
    expect(pushIds.get(documentId)?.[index - 1]).toBe(pushId)
  }
  await store.close()
}

/** Waits for so many more lines. */
async function linesOf(child: ChildProcess, count: number): Promise<void> {
  const output = child.stdout
  if (output === null) throw new Error('The output is not piped')
  let seen = 0
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      seen += chunk.toString().split('\n').length - 1
      if (seen < count) return
      output.off('data', listen)
      resolve()
    }
    output.on('data', listen)
    child.on('exit', () => reject(new Error('The writer ended')))
  })
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  child.stdout?.resume()
  await exited
}

function requireLinux(context: TestContext, command: string, args: readonly string[]): void {
  if (process.platform !== 'linux') giveUp(context, `needs ${command} of Linux`)
  try {
    execFileSync(command, args, { stdio: 'ignore' })
  } catch {
    giveUp(context, `${command} is not there, or not allowed`)
  }
}

/** Elsewhere a test that cannot run here is skipped; where everything is set up for it, that is a failure. */
function giveUp(context: TestContext, reason: string): never {
  if (process.env.TIDEMARK_CI === '1') throw new Error(reason)
  return context.skip(reason)
}

function newDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-store-')))
  undo.push(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

// The `tidemark` command on a machine as it may be: its user alone reads what it makes, and a full log, a directory above
// that cannot be read, or a disk that takes nothing leave it standing, or are said.
import { execFile, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RelayProcess } from '../support/relay-process.ts'
import { itRequiring, missingProgram } from '../support/requirement.ts'
import { Device, END, hello, only } from './device.ts'

const COMMAND = fileURLToPath(new URL('../../relay/bin/tidemark.mjs', import.meta.url))
/** Of util-linux: runs a program where it is process 1 and sees no other, as a container does. */
const CONTAINER = 'unshare'
/** Of util-linux too. Root may read everything: this takes away what lets it. */
const WITHOUT_READING_ALL: readonly string[] = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']
const isRoot: boolean = process.getuid?.() === 0
const isPosix: boolean = process.platform !== 'win32'
const run = promisify(execFile)
const undo: (() => Promise<void> | void)[] = []
let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-hosting-'))
  undo.push(() => rmSync(directory, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describe('what the command makes', () => {
  it.runIf(isPosix)('is read by its user alone, whatever the umask: data, secret and backup', async () => {
    const before = process.umask(0o022)
    undo.push(() => void process.umask(before))
    const relay = await startRelay(join(directory, 'data'))
    const backup = join(directory, 'backup')
    await run(process.execPath, [COMMAND, 'backup', '--data', relay.data, '--to', backup])
    const made = [relay.data, backup].flatMap((path) => [path, ...readdirSync(path).map((name) => join(path, name))])
    expect(made.length).toBeGreaterThan(6)
    for (const path of made) expect([path, statSync(path).mode & 0o077]).toEqual([path, 0])
  })

  itRequiring(missingSetpriv())(
    'may lie in a directory that its user cannot read, as below /var/lib/private',
    async () => {
      const above = join(directory, 'above')
      const data = join(above, 'data')
      mkdirSync(data, { recursive: true })
      chmodSync(above, 0o311)
      undo.push(() => chmodSync(above, 0o700))
      const user = isRoot ? WITHOUT_READING_ALL : []
      const { ended, child } = start(['relay', '--data', data, '--port', '0'], ['ignore', 'pipe', 'pipe'], user)
      const output = await firstOutput(child)
      child.kill('SIGTERM')
      expect(output).toContain(data)
      expect(await ended).toBe(0)
      const backup = start(['backup', '--data', data, '--to', join(data, 'backup')], ['ignore', 'pipe', 'pipe'], user)
      expect(await firstOutput(backup.child)).toContain('data.mdb')
      expect(await backup.ended).toBe(0)
    },
  )

  it.runIf(isPosix)('is no draft of a secret where the disk takes nothing', async () => {
    const data = join(directory, 'data')
    const command = ['trap "" XFSZ; ulimit -f 0; exec "$@"', 'sh', process.execPath, COMMAND]
    const failed = run('sh', ['-c', ...command, 'token', '--data', data, '--grant', 'alice/*:read'])
    await expect(failed).rejects.toMatchObject({ code: 74, stderr: expect.stringContaining(data) })
    expect(readdirSync(data)).toEqual([])
  })
})

itRequiring(missingUnshare())(
  'a relay or a backup in another container, where it has the same number, says that the data is in use',
  async () => {
    const inContainer = ['-pf', '--mount-proc', '--kill-child=KILL', process.execPath, COMMAND]
    const args = [...inContainer, 'relay', '--data', directory, '--port', '0']
    const first = spawn(CONTAINER, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    undo.push(async () => {
      first.kill('SIGKILL')
      await once(first, 'close')
    })
    expect(await firstOutput(first)).toContain('relay ready')
    const backup = [...inContainer, 'backup', '--data', directory, '--to', join(directory, 'backup')]
    for (const second of [args, backup])
      await expect(run(CONTAINER, second)).rejects.toMatchObject({
        code: 74,
        stderr: expect.stringContaining('is in use by process 1 of another container'),
      })
  },
)

describe('a relay whose log', () => {
  it.runIf(process.platform === 'linux')('takes no line, as a file on a full disk, serves all the same', async () => {
    const full = openSync('/dev/full', 'w')
    undo.push(() => closeSync(full))
    const port = await freePort()
    const args = ['relay', '--data', directory, '--port', String(port), '--log-level', 'debug']
    const { ended, child } = start(args, ['ignore', full, 'pipe'])
    undo.push(() => void child.kill('SIGKILL'))
    await untilHealthy(port)
    const device = await Device.connect(`ws://127.0.0.1:${port}`)
    expect(only(await device.round([hello('no token'), END]), 'ERROR').code).toBe('TOKEN')
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('is at level debug says whom it sent away, and why, but not the token', async () => {
    const relay = await startRelay(directory, { TIDEMARK_LOG_LEVEL: 'debug' })
    const device = await Device.connect(relay.url)
    await device.round([hello('not.a.token'), END])
    const lines = relay.log.filter(({ msg }) => msg === 'a connection was ended')
    expect(lines).toEqual([
      expect.objectContaining({ level: 20, code: 'TOKEN', reason: expect.stringContaining('JWT') }),
    ])
    expect(JSON.stringify(relay.log)).not.toContain('not.a.token')
  })
})

describe('what is wrong with a flag is said in the words of the flag', () => {
  it.each([
    [['relay', '--data', ''], '--data <directory>'],
    [['token', '--data', '', '--grant', 'alice/*:read'], '--data <directory>'],
    [['token', '--data', '.', '--grant', 'alice/*:read', '--expires', '999999999d'], '--expires <duration>'],
    [['token', '--data', '.', '--grant', 'alice/*:read', '--subject', 's'.repeat(20_000)], 'the subject'],
    [['relay', '--data', '.', '--limit', 'freeBytesMin= '], 'limits.freeBytesMin'],
    [['relay', '--data', '.', '--base-path', '/../x'], 'basePath'],
  ])('%j', async (args, named) => {
    await expect(run(process.execPath, [COMMAND, ...args], { cwd: directory })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(named),
    })
  })

  it('a file in the place of the data directory', async () => {
    const data = join(directory, 'file')
    closeSync(openSync(data, 'w'))
    await expect(run(process.execPath, [COMMAND, 'relay', '--data', data])).rejects.toMatchObject({
      code: 74,
      stderr: expect.stringContaining(`${data} is a file, not a directory`),
    })
  })

  it('and what is right in those of a person: the default of --expires, the version', async () => {
    const { stdout } = await run(process.execPath, [COMMAND, 'token', '--help'])
    expect(stdout).toContain('(default: 30d)')
    expect((await run(process.execPath, [COMMAND, '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

async function startRelay(data: string, environment: Readonly<Record<string, string>> = {}): Promise<RelayProcess> {
  const relay = new RelayProcess([], { data, environment })
  undo.push(() => relay.stop())
  await relay.start()
  return relay
}

function missingUnshare(): string | null {
  return missingProgram(CONTAINER, ['-pf', '--mount-proc', 'true'])
}

function missingSetpriv(): string | null {
  if (!isPosix) return 'every directory can be read on Windows'
  const [program = '', ...args] = WITHOUT_READING_ALL
  return isRoot ? missingProgram(program, [...args, 'true']) : null
}

/** @param before a program that is to start it */
function start(
  args: readonly string[],
  stdio: StdioOptions,
  before: readonly string[] = [],
): { child: ReturnType<typeof spawn>; ended: Promise<number | null> } {
  const [program = '', ...rest] = [...before, process.execPath, COMMAND, ...args]
  const child = spawn(program, rest, { stdio })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, ended }
}

/** What it says until it is ready, or has ended. */
async function firstOutput(child: ReturnType<typeof spawn>): Promise<string> {
  let output = ''
  await new Promise<void>((resolve) => {
    const take = (chunk: Buffer): void => {
      output += chunk.toString()
      if (output.includes('relay ready')) resolve()
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.once('close', () => resolve())
  })
  return output
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function untilHealthy(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const healthy = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (healthy) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('The relay does not serve')
}

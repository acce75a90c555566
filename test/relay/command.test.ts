// The `tidemark` command as a child process, as a supervisor runs it. It runs what was built: `npm test` builds first.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Device, END, hello, names, open, payloadOf, push } from './device.ts'

const COMMAND = fileURLToPath(new URL('../../relay/bin/tidemark.mjs', import.meta.url))
const NOVEL = 'alice/novel'
let data = ''
const children: ChildProcess[] = []

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

class Child {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  #wake: () => void = () => {}

  constructor(args: readonly string[], environment: Record<string, string> = {}) {
    this.process = spawn(process.execPath, [COMMAND, ...args], { env: { ...process.env, ...environment } })
    children.push(this.process)
    this.process.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString()
      this.#wake()
    })
    this.process.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString()
    })
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr })
        this.#wake()
      })
    })
  }

  get lines(): readonly Record<string, unknown>[] {
    const whole = this.stdout.split('\n').slice(0, -1)
    return whole.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  /** The URL in the line that says ready. */
  async ready(): Promise<string> {
    while (!this.lines.some(({ url }) => url !== undefined)) {
      if (this.process.exitCode !== null) throw new Error(`It ended: ${this.stderr}${this.stdout}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return String(this.lines.find(({ url }) => url !== undefined)?.url)
  }
}

function run(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  return new Child(args, environment).ended
}

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'tidemark-command-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(data, { recursive: true, force: true })
})

describe('tidemark relay and tidemark token', () => {
  it('work together: one line says the URL, the token opens it, SIGTERM ends it', async () => {
    const relay = new Child(['relay', '--data', data, '--port', '0', '--host', '127.0.0.1'])
    const url = await relay.ready()
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/)
    expect(relay.lines.filter((line) => 'url' in line)).toEqual([
      { level: 30, time: expect.any(Number), url, msg: 'relay ready' },
    ])
    const { stdout, code } = await run([
      'token',
      '--data',
      data,
      '--grant',
      'alice/*:write',
      '--subject',
      'a',
      '--expires',
      '1h',
    ])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const device = await Device.connect(url)
    const round = [hello(stdout.trim()), open(1, NOVEL), push(1, payloadOf('one')), END]
    expect(names(await device.round(round))).toBe('WELCOME OPENED ACK SYNCED DONE')
    relay.process.kill('SIGTERM')
    await device.closed()
    expect(device.closeCode).toBe(1012)
    const ended = await relay.ended
    expect(ended.code).toBe(0)
    expect(ended.stderr).toBe('')
    expect(relay.lines.at(-1)).toMatchObject({ msg: 'relay closed' })
    const secret = await readFile(join(data, 'secret'))
    for (const form of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      expect(ended.stdout).not.toContain(secret.toString(form))
    }
    expect(ended.stdout).not.toContain(stdout.trim())
  })

  it('take the environment where no flag is given', async () => {
    const relay = new Child(['relay'], { TIDEMARK_DATA: data, TIDEMARK_PORT: '0', TIDEMARK_BASE_PATH: '/relay' })
    expect(await relay.ready()).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/relay$/)
    relay.process.kill('SIGINT')
    expect((await relay.ended).code).toBe(0)
  })

  it('a token lasts 30 days unless it says otherwise, and may hold several grants', async () => {
    const { stdout, stderr } = await run(['token', '--data', data, '--grant', 'alice/*:write', '--grant', 'bob/x:read'])
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString()) as Record<string, number>
    expect(claims.tidemark).toEqual(['alice/*:write', 'bob/x:read'])
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(30 * 24 * 3600)
    expect(stderr).toContain('made a new secret')
  })
})

describe('what is wrong ends the process, and is named', () => {
  it.each([
    [['relay'], 2, '--data'],
    [['relay', '--data', '.', '--port', '70000'], 2, '--port'],
    [['relay', '--data', '.', '--port', 'abc'], 2, '--port'],
    [['relay', '--data', '.', '--base-path', 'x/'], 2, 'basePath'],
    [['relay', '--data', '.', '--log-level', 'loud'], 2, '--log-level'],
    [['relay', '--data', '.', '--colour'], 2, '--colour'],
    [['relay', '--data', '.', '--limit', 'freeBytesMin'], 2, '--limit'],
    [['relay', '--data', '.', '--limit', 'freeBytesMin=-1'], 2, 'limits.freeBytesMin'],
    [['relay', '--data', '.', '--limit', 'freeBytes=1'], 2, 'limits.freeBytes '],
    [['token', '--data', '.'], 2, '--grant'],
    [['token', '--data', '.', '--grant', 'alice/*'], 2, "'alice/*'"],
    [['token', '--data', '.', '--grant', 'alice/*:read', '--expires', '30'], 2, '--expires'],
    [['backup', '--data', '.'], 2, '--to'],
    [['other'], 2, 'other'],
  ])('%j', async (args, code, named) => {
    const ended = await run(args)
    expect(ended.code).toBe(code)
    expect(ended.stderr).toContain(named)
    expect(ended.stdout).toBe('')
  })

  it('a data directory that cannot be used', async () => {
    const file = join(data, 'file')
    await writeFile(file, '')
    const ended = await run(['relay', '--data', file, '--port', '0'])
    expect(ended.code).toBe(74)
    expect(ended.stderr).toContain(file)
  })

  it('a port that is taken', async () => {
    const first = new Child(['relay', '--data', data, '--port', '0'])
    const { port } = new URL(await first.ready())
    const ended = await run(['relay', '--data', join(data, 'second'), '--port', port])
    expect(ended.code).toBe(74)
    expect(ended.stderr).toContain(port)
  })
})

// A disk that fails under the relay's process, or under an app that holds a relay.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterEach, describe, expect } from 'vitest'
import { burst, END, hello, names, open, payloadOf, payloadsIn, push } from '../relay/device.ts'
import { failDisk } from '../support/failing-disk.ts'
import { itRequiring, missingProgram } from '../support/requirement.ts'

const itWithStrace = itRequiring(missingProgram('strace', ['-o', '/dev/null', 'true']))
const NOVEL = 'alice/novel'
const undo: (() => void)[] = []

afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
})

describe('a disk whose flushes fail', () => {
  itWithStrace(
    'ends the process with exit code 74 and a reason; nothing more is acknowledged, and nothing is lost',
    async () => {
      const { calls, ...report } = await failDisk('fdatasync:error=EIO:when=40+')
      process.stdout.write(`${JSON.stringify(report)}\n`)
      expect(report).toMatchObject({
        ending: { code: 74, signal: null },
        reason: expect.stringMatching(/^durability .*: The store has failed: A commit failed: Input\/output error$/),
        acknowledgedTooEarly: [],
        entriesLost: 0,
      })
      expect(report.acknowledged).toBeGreaterThan(50)
      expect(calls.filter(({ name, error }) => name === 'fdatasync' && error === 'EIO')).toHaveLength(1)
    },
    60_000,
  )

  itWithStrace(
    'ends no app that holds a relay: `failed` resolves, pushes are refused, and reading goes on',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'tidemark-host-'))
      undo.push(() => rmSync(directory, { recursive: true }))
      const host = await Host.start(directory, 'fdatasync:error=EIO:when=24+')
      undo.push(() => void host.child.kill('SIGKILL'))
      const { url = '', token = '' } = await host.said('url')
      const first = [hello(token), open(1, NOVEL), push(1, payloadOf('kept')), END]
      expect(names(await burst(url, first))).toBe('WELCOME OPENED ACK SYNCED DONE')
      let acknowledged = 1
      for (;;) {
        const frames = [hello(token), open(1, NOVEL), push(1, payloadOf(`entry ${acknowledged}`)), END]
        const answer = names(await burst(url, frames))
        if (!answer.includes('ACK')) {
          expect(answer).toMatch(/^WELCOME OPENED (ENTRIES )?REFUSED/)
          break
        }
        acknowledged++
      }
      expect(await host.said('failed')).toEqual({ failed: 'The store has failed: A commit failed' })
      const read = await burst(url, [hello(token), open(1, NOVEL), END])
      expect(payloadsIn(read)).toHaveLength(acknowledged)
      expect((await fetch(`${url.replace(/^ws/, 'http')}/healthz`)).status).toBe(503)
      expect(host.child.exitCode).toBe(null)
      host.child.kill('SIGTERM')
      expect(await host.said('closed')).toEqual({ closed: true })
      expect(await host.said('exit')).toEqual({ exit: 0 })
    },
    60_000,
  )
})

interface Said {
  readonly url?: string
  readonly token?: string
}

class Host {
  readonly child
  readonly #lines: Said[] = []
  #wake: () => void = () => undefined

  static async start(directory: string, inject: string): Promise<Host> {
    const repository = join(import.meta.dirname, '../..')
    // Within the repository, so that the program finds its packages.
    const programs = join(repository, 'node_modules/.cache/tidemark-tests', `host-${process.pid}`)
    mkdirSync(programs, { recursive: true })
    const program = join(programs, 'host.mjs')
    await build({
      entryPoints: [join(import.meta.dirname, 'programs/host.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['lmdb', 'jose', 'ws'],
      alias: {
        '@tidemark/protocol': join(repository, 'protocol/src/index.ts'),
        '@tidemark/relay': join(repository, 'relay/src/index.ts'),
      },
    })
    const strace = ['-D', '-f', '-o', join(directory, 'trace'), '-e', 'trace=fdatasync', '-e', `inject=${inject}`]
    const host = new Host(['strace', ...strace, process.execPath, program, join(directory, 'data')])
    void once(host.child, 'exit').then(() => rmSync(programs, { recursive: true, force: true }))
    return host
  }

  private constructor([program = '', ...args]: readonly string[]) {
    this.child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    })
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Said)
      this.#wake()
    })
  }

  /** The line that has this field, once it is there. */
  async said(field: string): Promise<Said> {
    for (;;) {
      const line = this.#lines.find((said) => Object.hasOwn(said, field))
      if (line !== undefined) return line
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

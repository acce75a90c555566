// The relay as its users run it: the command in a process of its own, which can be killed and started again on the same
// data and port. Runs what `npm run build` made.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const COMMAND = fileURLToPath(new URL('../../relay/bin/tidemark.mjs', import.meta.url))
const BUILT = fileURLToPath(new URL('../../relay/dist/command.js', import.meta.url))

export interface RelayProcessOptions {
  /** Default: a directory that goes with the relay. */
  readonly data?: string
  /** Such as `freeBytesMin=0`. */
  readonly limits?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Runs in place of the command that was built. */
  readonly program?: string
}

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly url?: string
  readonly err?: { readonly message: string }
}

export interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

export class RelayProcess {
  readonly data: string
  /** What it said, over all its starts. */
  readonly log: LogLine[] = []
  /** A program and its arguments that run the relay's process, strace say. */
  readonly #wrapper: readonly string[]
  readonly #options: RelayProcessOptions
  #child: ChildProcess | null = null
  #ended: Promise<Ending> = Promise.resolve({ code: null, signal: null })
  #url = ''

  constructor(wrapper: readonly string[] = [], options: RelayProcessOptions = {}) {
    if (!existsSync(BUILT)) throw new Error('The relay is not built: run `npm run build` first')
    this.data = options.data ?? mkdtempSync(join(tmpdir(), 'tidemark-relay-'))
    this.#wrapper = wrapper
    this.#options = options
  }

  get url(): string {
    return this.#url
  }

  /** While it runs. */
  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('The relay does not run')
    return pid
  }

  /** Resolves when the relay says that it is ready. After the first start it keeps its port. `wrapper`: for this start. */
  async start(wrapper: readonly string[] = this.#wrapper): Promise<void> {
    const port = this.#url === '' ? '0' : new URL(this.#url).port
    const { program: relayProgram = COMMAND, limits = [], environment = {} } = this.#options
    const flags = ['--data', this.data, '--port', port, ...limits.flatMap((limit) => ['--limit', limit])]
    const command = [process.execPath, relayProgram, 'relay', ...flags]
    const [program = process.execPath, ...args] = [...wrapper, ...command]
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    })
    this.#child = child
    this.#ended = once(child, 'close').then(([code, signal]) => ({ code, signal }) as Ending)
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text) as LogLine
        this.log.push(line)
        if (line.msg !== 'relay ready' || line.url === undefined) return
        this.#url = line.url
        resolve()
      })
      void this.#ended.then(({ code }) => {
        reject(new Error(`The relay ended before it was ready, with exit code ${code}`))
      })
    })
  }

  /** Resolves when the process has ended, by itself or not, and all that it said is in the log. */
  ended(): Promise<Ending> {
    return this.#ended
  }

  /** By the command. `expires`: such as `90s` or `30d`. */
  token(grants: string | readonly string[] = 'alice/*:write', expires = '30d'): Promise<string> {
    const flags = [grants].flat().flatMap((grant) => ['--grant', grant])
    return printed([COMMAND, 'token', '--data', this.data, ...flags, '--expires', expires])
  }

  /** As a power switch would: nothing is finished, nothing is said. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    if (this.#options.data === undefined) rmSync(this.data, { recursive: true, force: true })
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}

async function printed(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(child, 'close')
  return text.trim()
}

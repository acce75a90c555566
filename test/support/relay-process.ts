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

export class RelayProcess {
  readonly data: string
  /** A program and its arguments that run the relay's process, strace say. */
  readonly #wrapper: readonly string[]
  #child: ChildProcess | null = null
  #url = ''

  constructor(wrapper: readonly string[] = []) {
    if (!existsSync(BUILT)) throw new Error('The relay is not built: run `npm run build` first')
    this.data = mkdtempSync(join(tmpdir(), 'tidemark-relay-'))
    this.#wrapper = wrapper
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

  /** Resolves when the relay says that it is ready. After the first start it keeps its port. */
  async start(): Promise<void> {
    const port = this.#url === '' ? '0' : new URL(this.#url).port
    const command = [process.execPath, COMMAND, 'relay', '--data', this.data, '--port', port]
    const [program = process.execPath, ...args] = [...this.#wrapper, ...command]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    for await (const line of createInterface({ input: child.stdout })) {
      const { msg, url } = JSON.parse(line) as { msg: string; url?: string }
      if (msg !== 'relay ready' || url === undefined) continue
      this.#url = url
      child.stdout.resume()
      return
    }
    throw new Error(`The relay ended before it was ready, with exit code ${child.exitCode}`)
  }

  /** By the command. `expires`: such as `90s` or `30d`. */
  token(grant = 'alice/*:write', expires = '30d'): Promise<string> {
    return printed([COMMAND, 'token', '--data', this.data, '--grant', grant, '--expires', expires])
  }

  /** As a power switch would: nothing is finished, nothing is said. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    rmSync(this.data, { recursive: true, force: true })
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

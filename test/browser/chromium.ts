// A real Chromium for the tests of the page. Where there is none they are skipped, unless the check demands them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BrowserContext, chromium } from 'playwright-core'

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executable: string | undefined = EXECUTABLES.find((path) => existsSync(path))

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Why the tests of the page cannot run here; null: they can. @throws under TIDEMARK_CI=1, where they must */
export function reasonToSkip(): string | null {
  if (executable !== undefined) return null
  const reason = `no Chromium: none of ${EXECUTABLES.join(', ')} exists`
  if (process.env.TIDEMARK_CI === '1')
    throw new Error(`The tests of the page must run under TIDEMARK_CI=1, but ${reason}`)
  return reason
}

/** A browser with the profile in `profileDirectory`: what pages store there outlives the browser. */
export function launchChromium(
  profileDirectory: string,
  options: Parameters<typeof chromium.launchPersistentContext>[1] = {},
): Promise<BrowserContext> {
  if (executable === undefined) throw new Error(reasonToSkip() ?? '')
  return chromium.launchPersistentContext(profileDirectory, {
    executablePath: executable,
    args: ARGUMENTS,
    ...options,
  })
}

/**
 * A browser whose pages are as for a user: one behind another is hidden, and can be frozen. Playwright's own browsers hold all
 * pages to be visible, which Chromium freezes never.
 */
export class PlainChromium {
  readonly context: BrowserContext
  readonly #child: ChildProcess

  static async start(profileDirectory: string): Promise<PlainChromium> {
    if (executable === undefined) throw new Error(reasonToSkip() ?? '')
    const args = [...ARGUMENTS, '--remote-debugging-port=0', `--user-data-dir=${profileDirectory}`, 'about:blank']
    // All its processes are one group.
    const child = spawn(executable, args, { stdio: 'ignore', detached: true })
    const address = await addressOf(child, join(profileDirectory, 'DevToolsActivePort'))
    const browser = await chromium.connectOverCDP(address, { noDefaults: true })
    const [context] = browser.contexts()
    if (context === undefined) throw new Error('Chromium has no context')
    return new PlainChromium(child, context)
  }

  private constructor(child: ChildProcess, context: BrowserContext) {
    this.#child = child
    this.context = context
  }

  /** To all its processes, which end with SIGKILL and stand still from SIGSTOP to SIGCONT. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    if (this.#child.pid === undefined) throw new Error('Chromium does not run')
    process.kill(-this.#child.pid, signal)
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.signal('SIGKILL')
    await exited
  }
}

/** Chromium writes its port in the first line of a file. */
async function addressOf(child: ChildProcess, portFile: string): Promise<string> {
  for (;;) {
    const [port = '', path] = existsSync(portFile) ? readFileSync(portFile, 'latin1').split('\n') : []
    if (path !== undefined) return `http://127.0.0.1:${port}`
    if (child.exitCode !== null) throw new Error(`Chromium ended with exit code ${child.exitCode}`)
    await sleep(50)
  }
}

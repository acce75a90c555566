// A real Chromium for the tests of the page. Where there is none they are skipped, unless the check demands them.
import { existsSync } from 'node:fs'
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

// The command: looks at the folder every second, and lets the SDK's schedule sync. Ctrl-C ends it with a few last bursts.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SyncOptions, TidemarkError } from '@tidemark/client/node'
import { Command, InvalidArgumentError } from 'commander'
import { Folder } from './folder.ts'
import { OWN_DIRECTORY } from './names.ts'

const LOOK_EVERY_MS = 1_000
const LAST_BURST_MS = 10_000

interface Arguments {
  readonly folder: string
  readonly relay: readonly string[]
  readonly vault: string
  readonly tokenFile?: string
  readonly every: number
  readonly once?: true
}

const program: Command = new Command('tidemark-folder')
  .description('Keeps a folder of Markdown files in sync with the same folder on other machines, over a relay')
  .requiredOption('--folder <path>', 'the folder; what this command remembers is kept in .tidemark in it')
  .requiredOption('--relay <url...>', 'such as wss://relay.example.org; several are several backups')
  .requiredOption('--vault <name>', 'the first part of the documents’ names, the same on all machines')
  .option('--token-file <path>', 'a file that holds the token; default: the variable TIDEMARK_TOKEN')
  .option('--every <seconds>', 'seconds between two bursts while nothing is edited here', positive, 30)
  .option('--once', 'once, and the end: 0 if everything is in sync')

function positive(value: string): number {
  const number = Number(value)
  if (!(number > 0)) throw new InvalidArgumentError('It must be a number above 0')
  return number
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function tokenOf({ tokenFile }: Arguments): Promise<string> {
  const token = tokenFile === undefined ? process.env.TIDEMARK_TOKEN : await readFile(tokenFile, 'utf8')
  if (token === undefined || token.trim() === '')
    program.error('There is no token: give --token-file or TIDEMARK_TOKEN')
  return token.trim()
}

/** What is new on either side, and what follows from it, such as a second file of one name, or a deletion. */
const BURSTS = 3

/** True: everything that is not left alone is in sync. */
async function syncNow(folder: Folder, options: SyncOptions = {}): Promise<boolean> {
  let isComplete = false
  for (let burst = 0; burst < BURSTS; burst++) {
    await folder.reconcile()
    isComplete = (await folder.tidemark.sync(options)).complete
  }
  // What came in is to be in the files, too.
  await folder.reconcile()
  const isInSync = isComplete && folder.tidemark.status.documentsUnsent === 0
  say(lastWords(isInSync, folder))
  return isInSync
}

async function syncUntil(folder: Folder, stop: AbortSignal): Promise<void> {
  let problem = ''
  folder.tidemark.subscribe((status) => {
    const now = status.problem?.message ?? ''
    if (now !== problem && now !== '') say(now)
    problem = now
  })
  while (!stop.aborted) {
    await folder.reconcile()
    await sleep(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => undefined)
  }
  await syncNow(folder, { budgetMs: LAST_BURST_MS })
}

function lastWords(isInSync: boolean, { filesLeftAlone, tidemark }: Folder): string {
  const { problem } = tidemark.status
  const why = problem === null ? '' : ` (${problem.message})`
  if (!isInSync) return `Not everything is on the relay yet${why}; it goes on at the next start.`
  if (filesLeftAlone === 0) return 'Everything is on the relay.'
  return `Everything is on the relay, but for ${filesLeftAlone} of the files: it was said above why.`
}

async function main(): Promise<void> {
  const options = program.parse().opts<Arguments>()
  const token = await tokenOf(options)
  // It holds copies of files that others may not be allowed to read.
  await mkdir(join(options.folder, OWN_DIRECTORY), { recursive: true, mode: 0o700 })
  const folder = new Folder({
    directory: options.folder,
    vault: options.vault,
    relays: options.relay,
    token,
    schedule: options.once === true ? false : { everyMs: options.every * 1_000 },
    say,
  })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  try {
    if (options.once !== true) await syncUntil(folder, stop.signal)
    else if (!(await syncNow(folder)) || folder.filesLeftAlone > 0) process.exitCode = 1
  } finally {
    await folder.tidemark.close()
  }
}

main().catch((error: unknown) => {
  if (error instanceof TidemarkError || error instanceof Error) process.stderr.write(`${error.message}\n`)
  else throw error
  process.exitCode = 1
})

// One background task, on this machine: prints what came of it as a line of JSON. 0: done, 75: later, 1: stuck.
import { asyncStorageBackend, keyValueStore } from '@tidemark/client/key-value'
import { Command } from 'commander'
import { backgroundSync, type Outcome } from './background-sync.ts'
import { filesAsAsyncStorage } from './files-as-async-storage.ts'

interface Arguments {
  readonly storage: string
  readonly relay: string
  readonly vault: readonly string[]
  readonly budgetMs: string
}

/** 75: EX_TEMPFAIL of sysexits.h. */
const EXIT_CODES: Readonly<Record<Outcome['result'], number>> = { done: 0, later: 75, stuck: 1 }

const options = new Command('background-sync')
  .description('One burst over HTTP, as a background task does it; the token is in TIDEMARK_TOKEN')
  .requiredOption('--storage <folder>', 'what stands in for the phone’s AsyncStorage')
  .requiredOption('--relay <url>', 'such as wss://relay.example.org')
  .requiredOption('--vault <name...>', 'what is to be kept on this device')
  .option('--budget-ms <milliseconds>', 'after which it stops', '25000')
  .parse()
  .opts<Arguments>()

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const outcome = await backgroundSync({
  store: keyValueStore(asyncStorageBackend(filesAsAsyncStorage(options.storage))),
  relay: options.relay,
  token: process.env.TIDEMARK_TOKEN ?? '',
  vaults: options.vault,
  budgetMs: Number(options.budgetMs),
  signal: stop.signal,
})
process.stdout.write(`${JSON.stringify(outcome)}\n`)
process.exitCode = EXIT_CODES[outcome.result]

// The `tidemark` command: a relay as a process, tokens for it, and copies of its data. Turns flags and environment into options; whatever
// is wrong with them stops the process and is named. Prints no secret, and no token but the one asked for.
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Logger as PinoLogger, pino } from 'pino'
import { RelayError } from './errors.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { endProcess } from './process-end.ts'
import { createRelay } from './relay.ts'
import { parseGrant } from './token/grants.ts'
import { secretOf } from './token/secret.ts'
import { TOKEN_LIFETIME_MS, Tokens } from './token/tokens.ts'

/** EX_IOERR of sysexits.h: durability cannot be promised any longer; a supervisor starts the process again. */
const EXIT_FAILED = 74
const EXIT_BAD_USE = 2
const EXPIRES_MS_MAX: number = 36_500 * 24 * 3_600_000
/** Of log lines that cannot be written. */
const LOG_BYTES_WAITING_MAX: number = 1024 * 1024
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

interface RelayFlags {
  readonly data: string
  readonly port: number
  readonly host: string
  readonly basePath: string
  readonly limit: Partial<Limits>
  readonly logLevel: string
}

interface TokenFlags {
  readonly data: string
  readonly grant: readonly string[]
  readonly subject: string
  readonly expires: number
}

interface BackupFlags {
  readonly data: string
  readonly to: string
}

await run(process.argv)

async function run(args: readonly string[]): Promise<void> {
  // What the command makes is its user's alone: in it documents lie in the clear, where devices do not encrypt them.
  process.umask(0o077)
  try {
    await program().parseAsync(args)
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    const exitCode = error.code === 'BAD_OPTION' || error.code === 'BAD_GRANT' ? EXIT_BAD_USE : EXIT_FAILED
    // At once: where lmdb-js 3.5.6 could not open data for reading, it throws once more from a timer.
    process.stderr.write(`tidemark: ${error.message}\n`, () => process.exit(exitCode))
  }
}

function program(): Command {
  const command = new Command('tidemark').description('A relay for local-first documents').exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : EXIT_BAD_USE)
  })
  command.version(versionOf())
  command
    .command('relay')
    .description('serve a relay until SIGTERM or SIGINT')
    .addOption(dataOption())
    .addOption(
      new Option('--port <number>', 'port to listen on; 0 picks one')
        .env('TIDEMARK_PORT')
        .default(4848)
        .argParser(parsePort),
    )
    .addOption(new Option('--host <address>', 'address to listen on').env('TIDEMARK_HOST').default('127.0.0.1'))
    .addOption(new Option('--base-path <path>', 'what stands before /v1/sync').env('TIDEMARK_BASE_PATH').default(''))
    .addOption(
      new Option('--limit <name=value>', "one of the relay's limits, such as freeBytesMin=1073741824; may be repeated")
        .default({}, 'those of the relay')
        .argParser(collectLimits),
    )
    .addOption(
      new Option('--log-level <level>', 'least level that is logged')
        .env('TIDEMARK_LOG_LEVEL')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(serve)
  command
    .command('token')
    .description('print a token for the relay on a data directory')
    .addOption(dataOption())
    .requiredOption(
      '--grant <pattern:right>',
      "such as 'alice/*:write', with a * at the end only; the right is read, write (and read) or delete (and both); may be repeated",
      collectGrants,
    )
    .option('--subject <text>', 'whom the token is for', '')
    .addOption(
      new Option('--expires <duration>', 'such as 90s, 15m, 12h or 30d')
        .default(TOKEN_LIFETIME_MS, '30d')
        .argParser(parseDuration),
    )
    .action(printToken)
  command
    .command('backup')
    .description('copy the data of a relay, which may be running')
    .addOption(dataOption())
    .requiredOption('--to <directory>', 'where the copy goes; made if it is not there')
    .action(copyData)
  return command
}

function versionOf(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function dataOption(): Option {
  return new Option('--data <directory>', 'directory of the store and the secret')
    .env('TIDEMARK_DATA')
    .argParser(parseData)
    .makeOptionMandatory()
}

async function serve({ data, port, host, basePath, limit, logLevel }: RelayFlags): Promise<void> {
  const logger = loggerTo(1, logLevel)
  // Before anybody can know that it runs: whoever reads the line below may end it at once.
  const signalled = nextSignal()
  const relay = await createRelay({ data, port, host, basePath, limits: limit, logger })
  void relay.failed.then((error) => {
    logger.fatal({ err: error }, 'durability cannot be promised any longer: ending')
    endProcess(EXIT_FAILED)
  })
  logger.info({ url: relay.url }, 'relay ready')
  const signal = await signalled
  logger.info({ signal }, 'closing: finishing what was begun')
  await relay.close()
  logger.info({}, 'relay closed')
}

function loggerTo(descriptor: number, level: string): PinoLogger {
  const destination = pino.destination({ fd: descriptor, sync: true, maxLength: LOG_BYTES_WAITING_MAX })
  // A log that cannot be written, such as on a full disk, is no reason to serve nobody: lines wait for room, or go.
  destination.on('error', () => undefined)
  return pino({ level, base: null }, destination)
}

/** The first; another one ends the process at once, as Node does by itself. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    const take = (signal: string): void => {
      process.off('SIGTERM', take)
      process.off('SIGINT', take)
      resolve(signal)
    }
    process.on('SIGTERM', take)
    process.on('SIGINT', take)
  })
}

async function printToken({ data, grant, subject, expires }: TokenFlags): Promise<void> {
  const warn = (_fields: object, message: string): void => void process.stderr.write(`tidemark: ${message}\n`)
  const secret = await secretOf(data, { debug() {}, info: warn, warn, error: warn })
  const tokens = new Tokens(secret, DEFAULT_LIMITS.tokensCachedMax)
  process.stdout.write(`${await tokens.mint(grant, subject, Date.now(), expires)}\n`)
}

async function copyData({ data, to }: BackupFlags): Promise<void> {
  // Here and not above, so that a token is printed without loading LMDB.
  const { backup } = await import('./backup.ts')
  const { path, bytes } = await backup(data, to)
  process.stdout.write(`${path}: ${bytes} bytes\n`)
}

/** Names and values are checked with all other options of the relay. */
function collectLimits(text: string, before: Partial<Limits>): Partial<Limits> {
  const [, name, value] = /^(\w+)=(.+)$/.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be name=value.')
  return { ...before, [name]: name === 'originsAllowed' ? value.split(',') : numberOf(value) }
}

/** NaN too for nothing but blanks, which are 0 to JavaScript. */
function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

function parseData(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('It must be the path of a directory.')
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
}

function collectGrants(text: string, before: readonly string[] = []): readonly string[] {
  try {
    parseGrant(text)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
  return [...before, text]
}

function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const milliseconds = Number(amount) * (UNIT_MS[unit ?? ''] ?? 0)
  if (milliseconds > 0 && milliseconds <= EXPIRES_MS_MAX) return milliseconds
  throw new InvalidArgumentError('It must be a number and one of s, m, h and d, such as 30d, and at most 36500d.')
}

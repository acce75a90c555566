// The command that `npm start` runs: settings from flags or the environment, one line when ready, a clean end on a signal.
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { startDemo } from './demo-server.ts'

interface Settings {
  readonly host: string
  readonly port: number
  readonly data: string
}

const settings = new Command('demo')
  .description('Serves a page with two devices side by side, and the two relays that they meet at.')
  .addOption(new Option('--host <address>', 'address to listen on').env('TIDEMARK_DEMO_HOST').default('127.0.0.1'))
  .addOption(
    new Option('--port <number>', 'port to listen on; 0: any that is free')
      .env('TIDEMARK_DEMO_PORT')
      .default(8080)
      .argParser(parsePort),
  )
  .addOption(new Option('--data <directory>', "the relays' data").env('TIDEMARK_DEMO_DATA').default('./data'))
  .parse()
  .opts<Settings>()

try {
  await serve()
} catch (error) {
  process.stderr.write(`${messageOf(error, settings)}\n`)
  process.exit(1)
}

async function serve(): Promise<void> {
  const demo = await startDemo({ ...settings, page: fileURLToPath(new URL('page', import.meta.url)) })
  process.stdout.write(`Two devices and two relays are ready: open ${demo.url}   (Ctrl+C ends it)\n`)
  let isEnding = false
  const end = (exitCode: number): void => {
    // A second signal is somebody who does not want to wait.
    if (isEnding) process.exit(1)
    isEnding = true
    demo.close().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        process.stderr.write(`${messageOf(error, settings)}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', () => end(0))
  process.on('SIGTERM', () => end(0))
  const failure = await demo.failed
  process.stderr.write(`A relay can no longer keep its promise, so it ends: ${failure.message}\n`)
  end(1)
}

function parsePort(value: string): number {
  const port = Number(value)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535 && value.trim() !== '') return port
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
}

function messageOf(error: unknown, { host, port }: Settings): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use by another program. Choose another one: npm start -- --port ${port === 65_535 ? 8081 : port + 1}`
  }
  if (code === 'EACCES')
    return `This user may not listen on port ${port}. Choose one above 1023: npm start -- --port 8080`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `This machine has no address ${host} to listen on.`
  return error instanceof Error ? error.message : String(error)
}

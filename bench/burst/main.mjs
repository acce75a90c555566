// `npm run bench burst`: what a burst costs the relay in processor time, as ratios to floors taken in the same run.
// Nothing here decides anything by a time: docs/performance.md says how to read the figures.
import { parseArgs } from 'node:util'
import { startChild } from './child.mjs'
import { printProfile } from './profile.mjs'
import { printMeasurement } from './table.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '16,64,512' },
    profile: { type: 'boolean', default: false },
  },
})
const rounds = wholeNumber('rounds', values.rounds)
const seconds = Number(values.seconds)
if (!(seconds > 0)) usage('--seconds takes a number above 0')
const concurrencies = values.concurrency.split(',').map((text) => wholeNumber('concurrency', text))

/** In the order of each round. */
const subjects = [
  { kind: 'websocketEcho', server: 'websocket' },
  { kind: 'tidemark', server: 'relay' },
  { kind: 'httpEcho', server: 'http' },
  { kind: 'httpEchoKeptAlive', server: 'http' },
  { kind: 'tidemarkHttpKeptAlive', server: 'relay' },
]
/** Bursts of each kind before anything counts: code is compiled, tokens are known, documents have two devices. */
const WARM_UP_BURSTS = 6000

const load = startChild(import.meta.resolve('./load.mjs'))
const servers = {
  relay: startChild(import.meta.resolve('./relay-server.mjs')),
  websocket: startChild(import.meta.resolve('./websocket-server.mjs')),
  http: startChild(import.meta.resolve('./http-server.mjs')),
}
const ports = {}
for (const [name, server] of Object.entries(servers)) ports[name] = await server.ask('port')
const widest = Math.max(...concurrencies)
const vaults = Array.from({ length: widest }, (_, lane) => `vault-${lane}`)
const tokens = await servers.relay.ask('tokens', vaults)
await load.ask('documents', Object.fromEntries(vaults.map((vault, lane) => [vault, tokens[lane]])))

for (const subject of subjects) {
  await run(subject, { concurrency: widest, seconds: 0, burstsMin: Math.ceil(WARM_UP_BURSTS / widest) })
}
if (values.profile) {
  for (const subject of subjects.filter(({ server }) => server === 'relay')) {
    for (const concurrency of concurrencies) await profile(subject, concurrency)
  }
} else {
  for (const concurrency of concurrencies) printMeasurement(concurrency, await measure(concurrency))
}
for (const child of [load, ...Object.values(servers)]) await child.stop()

/** By kind: processor time per burst of each round, in microseconds. Every round takes each kind in turn. */
async function measure(concurrency) {
  const costs = Object.fromEntries(subjects.map(({ kind }) => [kind, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of subjects) {
      const server = servers[subject.server]
      const before = await server.ask('processorTime')
      const bursts = await run(subject, { concurrency, seconds })
      costs[subject.kind].push(((await server.ask('processorTime')) - before) / bursts)
    }
  }
  return costs
}

async function profile(subject, concurrency) {
  await servers.relay.ask('profileStart')
  const before = await servers.relay.ask('threadTimes')
  const bursts = await run(subject, { concurrency, seconds: seconds * rounds })
  const after = await servers.relay.ask('threadTimes')
  printProfile({
    kind: subject.kind,
    concurrency,
    bursts,
    before,
    after,
    profile: await servers.relay.ask('profileStop'),
  })
}

function run({ kind, server }, options) {
  return load.ask('run', { kind, port: ports[server], ...options })
}

function wholeNumber(name, text) {
  const number = Number(text)
  return Number.isInteger(number) && number > 0 ? number : usage(`--${name} takes whole numbers above 0`)
}

function usage(message) {
  process.stderr.write(
    `${message}.\nUsage: npm run bench -- burst [--rounds 7] [--seconds 1] [--concurrency 16,64,512] [--profile]\n`,
  )
  process.exit(1)
}

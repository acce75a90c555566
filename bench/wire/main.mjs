// `npm run bench wire`: bytes and round trips of a burst of nothing new, and of one small edit, on the wire between the real SDK
// and a real relay, beside the floors and a peer. Counts, not times: the same on every machine.
import { startChild } from '../burst/child.mjs'
import { CountingProxy } from './counting-proxy.mjs'
import { openAndClose, postNothing } from './floors.mjs'
import { tidemarkBurst } from './tidemark-bursts.mjs'
import { measureTls } from './tls.mjs'
import { yProtocolsBurst } from './y-protocols-burst.mjs'

/** Where both sides speak at once, what crosses may be counted as a round trip: the least counts. */
const TIMES = 5
const WIDTHS = [52, 6, 12, 8, 8, 10, 12]
const children = {
  relay: startChild(import.meta.resolve('../burst/relay-server.mjs')),
  websocket: startChild(import.meta.resolve('../burst/websocket-server.mjs')),
  http: startChild(import.meta.resolve('../burst/http-server.mjs')),
  yProtocols: startChild(import.meta.resolve('./y-protocols-server.mjs')),
}
/** All of one length, so that tokens are, too. */
let vaults = 0
const proxies = {}
for (const [name, child] of Object.entries(children)) proxies[name] = await CountingProxy.start(await child.ask('port'))

printRow(['', 'conn.', 'round trips', 'up', 'down', 'heads up', 'heads down'])
await measureFloors()
for (const known of [1, 10, 100]) await measureTidemark(`${known} known and open`, { known, open: known })
await measureTidemark('100 known, none open', { known: 100, open: 0 })
await measureTidemark('one edit of 20 bytes', { known: 1, open: 1, hasEdit: true })
await measureTidemark('1 open, typed in 10,000 edits', { known: 1, open: 1, edits: 10_000 })
for (const known of [1, 10, 100]) await measureYProtocols(`${known} open`, { known })
await measureYProtocols('one edit of 20 bytes', { known: 1, hasEdit: true })
await measureYProtocols('1 open, typed in 10,000 edits', { known: 1, edits: 10_000 })
printTls(await measureTls())
for (const proxy of Object.values(proxies)) await proxy.close()
for (const child of Object.values(children)) await child.stop()

async function measureFloors() {
  const { websocket, http } = proxies
  printCount('ws: open, close', await leastOf(websocket, () => openAndClose(websocket.port)))
  printCount('POST of nothing, new connection', await leastOf(http, () => postNothing(http.port), { isKept: false }))
  printCount('POST of nothing, kept alive', await leastOf(http, () => postNothing(http.port), { isKept: true }))
}

async function measureTidemark(title, options) {
  const proxy = proxies.relay
  const url = `ws://127.0.0.1:${proxy.port}`
  for (const carrier of ['websocket', 'http']) {
    const vault = newVault()
    const [token] = await children.relay.ask('tokens', [vault])
    const device = await tidemarkBurst({ ...options, url, token, vault, carrier })
    const name = `Tidemark, ${carrier}: ${title}`
    if (carrier === 'websocket') printCount(name, await leastOf(proxy, device.burst), token)
    else {
      printCount(`${name}, new`, await leastOf(proxy, device.burst, { isKept: false }), token)
      printCount(`${name}, kept`, await leastOf(proxy, device.burst, { isKept: true }), token)
      await proxy.hangUp()
    }
    await device.close()
  }
}

async function measureYProtocols(title, options) {
  const proxy = proxies.yProtocols
  const client = await yProtocolsBurst({ ...options, port: proxy.port, room: newVault() })
  printCount(`y-protocols over ws: ${title}`, await leastOf(proxy, client.burst))
}

function newVault() {
  vaults += 1
  return `vault-${10 + vaults}`
}

/** `isKept`: whether the connection is left open between bursts; null: the burst itself closes it. */
async function leastOf(proxy, burst, { isKept = null } = {}) {
  const counts = []
  // What the first has to do more does not count.
  for (let time = 0; time <= TIMES; time += 1) {
    if (isKept === false) await proxy.hangUp()
    proxy.take()
    await burst()
    if (isKept === null) await proxy.idle()
    if (time > 0) counts.push(proxy.take())
  }
  const fields = Object.keys(counts[0])
  return Object.fromEntries(fields.map((field) => [field, Math.min(...counts.map((count) => count[field]))]))
}

function printCount(name, { connections, roundTrips, up, down, headsUp, headsDown }, token = '') {
  const beside = token === '' ? '' : ` (${token.length} of them the token)`
  printRow([name, connections, roundTrips, up, down, headsUp, headsDown], beside)
}

function printRow(cells, beside = '') {
  const [name, ...numbers] = cells.map((cell, at) =>
    at === 0 ? cell.padEnd(WIDTHS[0]) : `${cell}`.padStart(WIDTHS[at]),
  )
  console.log(`  ${name}${numbers.join('')}${beside}`)
}

function printTls(measured) {
  if (measured === null) return console.log('\n  TLS: not measured, there is no openssl to make a certificate with')
  const { certificateBytes, recordBytes, full, resumed } = measured
  console.log(
    `\n  TLS 1.3 adds, with a certificate of ${certificateBytes} bytes, and ${recordBytes} bytes to each record:`,
  )
  for (const [name, { up, down, roundTrips }] of Object.entries({ full, resumed })) {
    // Beside that of TCP and the echo.
    console.log(`  ${name.padEnd(WIDTHS[0])}${roundTrips - 2} round trip, ${up} up, ${down} down`)
  }
  return undefined
}

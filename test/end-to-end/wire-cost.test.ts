// What a burst puts on the wire when there is nothing new, or hardly anything: bytes and round trips between the SDK and a
// relay's process, counted and held to what they are today. `npm run bench wire` prints them beside floors and a peer.
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { CountingProxy } from '../../bench/wire/counting-proxy.mjs'
import { RelayProcess } from '../support/relay-process.ts'

interface Situation {
  readonly known: number
  readonly open: number
  readonly edit: string
}

/** Bytes up and down beside the heads of HTTP, which are the platform's, and the token, which is the app's. */
type Cost = readonly [up: number, down: number]

const EDIT = 'the whale, the whale'
/** Setting a connection up is one; a WebSocket takes another for its upgrade, and one for its end. */
const ROUND_TRIPS = { websocket: 4, 'http, new connection': 2, 'http, kept alive': 1 }

let relay: RelayProcess
let proxy: CountingProxy
let token: string
/** Ids of all situations are of one length. */
let shelves = 0
const devices: Tidemark[] = []

beforeAll(async () => {
  relay = new RelayProcess()
  await relay.start()
  proxy = await CountingProxy.start(Number(new URL(relay.url).port))
  token = await relay.token()
})

afterAll(async () => {
  await proxy.close()
  await relay.stop()
})

afterEach(async () => {
  for (const device of devices.splice(0)) await device.close()
  await proxy.hangUp()
})

describe.each<[string, Situation, Record<'websocket' | 'http', Cost>]>([
  ['nothing new in 1 open document', openOf(1), { websocket: [204, 163], http: [187, 155] }],
  ['nothing new in 10 open documents', openOf(10), { websocket: [1311, 946], http: [1294, 938] }],
  ['nothing new in 100 open documents', openOf(100), { websocket: [81, 74], http: [64, 68] }],
  ['nothing new in 100 closed documents', { ...openOf(100), open: 0 }, { websocket: [81, 74], http: [64, 68] }],
  ['one edit of 20 bytes', { ...openOf(1), edit: EDIT }, { websocket: [264, 254], http: [247, 246] }],
])('a burst of %s', (_name, situation, costs) => {
  it.each(['websocket', 'http, new connection', 'http, kept alive'] as const)(
    'over %s takes no more than it has to',
    async (way) => {
      const carrier = way === 'websocket' ? 'websocket' : 'http'
      const burst = await settledDevice(carrier, situation)
      if (way === 'http, new connection') await proxy.hangUp()
      if (way === 'websocket') await proxy.idle()
      proxy.take()
      await burst()
      if (way === 'websocket') await proxy.idle()
      const { up, down, headsUp, headsDown, roundTrips } = proxy.take()
      expect(roundTrips).toBe(ROUND_TRIPS[way])
      expect(up - headsUp - token.length).toBeLessThanOrEqual(costs[carrier][0])
      expect(down - headsDown).toBeLessThanOrEqual(costs[carrier][1])
    },
  )
})

function openOf(known: number): Situation {
  return { known, open: known, edit: '' }
}

async function settledDevice(
  carrier: 'websocket' | 'http',
  { known, open, edit }: Situation,
): Promise<() => Promise<void>> {
  const url = `ws://127.0.0.1:${proxy.port}`
  const tidemark = new Tidemark({ store: memoryStore(), relays: [{ url, carrier }], token, schedule: false })
  devices.push(tidemark)
  const shelf = `shelf ${10 + shelves++}`
  const idOf = (number: number): string => `alice/${shelf}, note ${10 + number}`
  for (let number = 0; number < known; number++) {
    const document = await tidemark.open(idOf(number))
    document.doc.getText('t').insert(0, `Note ${number}`)
    if (number >= open) await document.close()
  }
  // By then it has been told the marks of all that it pushed.
  for (let burst = 0; burst < 3; burst++) expect((await tidemark.sync()).complete).toBe(true)
  return async () => {
    if (edit !== '') (await tidemark.open(idOf(0))).doc.getText('t').insert(0, edit)
    await tidemark.flush()
    expect((await tidemark.sync()).complete).toBe(true)
  }
}

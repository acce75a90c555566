// A burst over real sockets and a real store, cut at every frame boundary and one byte beside it, and at random places;
// then tried again. The exhaustive form, over a carrier in memory, is test/scenarios/cut.test.ts.
import { memoryStore, type RelayTarget, Tidemark } from '@tidemark/client/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../simulation/random.ts'
import { type Direction, FaultProxy } from '../support/fault-proxy.ts'
import { frameBoundaries } from '../support/frame-boundaries.ts'
import { logOf, type RelayServer, startRelayServer } from '../support/relay-server.ts'

type CarrierName = NonNullable<RelayTarget['carrier']>

const SEED = 1_789
const DIRECTIONS: readonly Direction[] = ['up', 'down']
const RANDOM_CUTS = 200
const RANDOM_CUTS_OVER_HTTP = 40

let server: RelayServer
let proxy: FaultProxy
let bursts = 0

beforeAll(async () => {
  server = await startRelayServer()
  proxy = await FaultProxy.start(server.url)
})

afterAll(async () => {
  await proxy.close()
  await server.close()
})

describe('a burst over real sockets', () => {
  it('(case 24) survives a cut at every frame boundary, and one byte beside it', async () => {
    for (const direction of DIRECTIONS) {
      const boundaries = frameBoundaries(await record('websocket', direction))
      expect(boundaries.length).toBeGreaterThan(6)
      const offsets = boundaries.flatMap((boundary) => [boundary - 1, boundary, boundary + 1])
      for (const offset of new Set(offsets)) await cutAndRetry('websocket', direction, offset)
    }
  }, 120_000)

  it.each([
    ['websocket', RANDOM_CUTS],
    ['http', RANDOM_CUTS_OVER_HTTP],
  ] as const)(
    'survives cuts at random places (%s)',
    async (carrier, cuts) => {
      const random = new Random(SEED)
      const lengths = {
        up: (await record(carrier, 'up')).length,
        down: (await record(carrier, 'down')).length,
      }
      for (let cut = 0; cut < cuts; cut++) {
        const direction = random.pick(DIRECTIONS)
        await cutAndRetry(carrier, direction, random.between(0, lengths[direction]))
      }
    },
    120_000,
  )
})

/** What passes in one direction while such a burst is left alone. */
async function record(carrier: CarrierName, direction: Direction): Promise<Buffer> {
  const { writer, close } = await prepare(carrier)
  proxy.record()
  expect((await writer.sync()).complete).toBe(true)
  await close()
  return Buffer.concat(proxy.recorded[direction])
}

async function cutAndRetry(carrier: CarrierName, direction: Direction, offset: number): Promise<void> {
  const { documentId, writer, reader, close } = await prepare(carrier)
  proxy.cutAfter(direction, offset)
  // How it ends depends on the place: refused, unfinished, or whole where only a farewell was cut.
  await Promise.allSettled([writer.sync()])
  proxy.heal()
  const where = `${carrier}, ${direction} cut after ${offset} bytes`
  expect(await writer.sync(), where).toMatchObject({ complete: true })
  expect(await reader.sync(), where).toMatchObject({ complete: true })
  for (const device of [writer, reader]) {
    const { doc, status } = await device.open(documentId)
    expect(doc.getText('t').toString(), where).toBe('One. Three.')
    expect(status, where).toMatchObject({ safety: expect.stringMatching(/on-relay|confirmed/), unsentBytes: 0 })
  }
  expect(await logOf(server.store, documentId), where).toHaveLength(3)
  await close()
}

interface Prepared {
  readonly documentId: string
  readonly writer: Tidemark
  readonly reader: Tidemark
  close(): Promise<void>
}

/** The writer has typed and deleted, and lacks an entry. A vault and a token for each: all bursts have one length. */
async function prepare(carrier: CarrierName): Promise<Prepared> {
  bursts++
  const documentId = `v${String(bursts).padStart(6, '0')}/novel`
  const token = await server.relay.mintToken([`${documentId}:write`])
  const device = (url: string): Tidemark =>
    new Tidemark({ store: memoryStore(), relays: [{ url, token, carrier }], schedule: false })
  const [writer, reader] = [device(proxy.url), device(server.url)]
  const written = await writer.open(documentId)
  const read = await reader.open(documentId)
  // Client ids of one length, so that the same offset is the same place every time.
  written.doc.clientID = 1
  read.doc.clientID = 2
  written.doc.getText('t').insert(0, 'One. Two.')
  await writer.sync()
  await reader.sync()
  read.doc.getText('t').insert(9, ' Three.')
  await reader.sync()
  written.doc.getText('t').delete(4, 5)
  return {
    documentId,
    writer,
    reader,
    close: async () => {
      await writer.close()
      await reader.close()
    },
  }
}

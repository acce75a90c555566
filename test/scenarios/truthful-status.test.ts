// The status never claims more than is true: killed relays, lost acknowledgements, full disks, wiped relays. A witness looks
// at every status that is told, and before every message that arrives, and reads both disks itself.
import type { DocumentStatus, SyncStatus, TidemarkDocument } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { DeviceStoreError } from '../../client/src/store/contract.ts'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { documentOf, documentOnDisk } from '../support/stored-document.ts'
import { NOVEL, RELAY_URL, type TestDevice, World } from '../support/world.ts'

const UNCUT = { upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft: Number.POSITIVE_INFINITY }

class Witness {
  /** Each safety that was told of the document, once in a row. */
  readonly told: string[] = []
  /** The relay was wiped, and the device cannot know it yet. */
  isDeviceDeceived = false
  readonly #world: World
  readonly #device: TestDevice
  readonly #document: TidemarkDocument
  readonly #claims: string[] = []

  constructor(world: World, device: TestDevice, document: TidemarkDocument) {
    this.#world = world
    this.#device = device
    this.#document = document
    document.subscribe((status) => {
      if (this.told.at(-1) !== status.safety) this.told.push(status.safety)
      this.look(status)
    })
    device.tidemark.subscribe((status) => this.look(status))
  }

  /** Before each message that arrives, either way. */
  watchRelay(onMessage: (count: number) => void = () => undefined): void {
    let count = 0
    const { relay } = this.#world
    relay.deliver = (arrive) => {
      setImmediate(() => {
        this.look(this.#document.status)
        this.look(this.#device.tidemark.status)
        onMessage(count++)
        arrive()
      })
    }
  }

  look(status: DocumentStatus | SyncStatus): void {
    const text = this.#document.doc.getText('t').toString()
    if (status.safety === 'on-device' && this.isDeviceDeceived) this.isDeviceDeceived = false
    if (status.safety !== 'unsaved' && text !== this.textInStore()) this.#claims.push(`${status.safety}: not stored`)
    if (status.safety === 'unsaved' || status.safety === 'on-device' || this.isDeviceDeceived) return
    if (text !== this.textOnRelay()) this.#claims.push(`${status.safety}: not on the relay`)
    if (status.unsentBytes !== 0 || status.unsentSince !== null) this.#claims.push(`${status.safety}, and yet unsent`)
  }

  get falseClaims(): readonly string[] {
    return this.#claims
  }

  textInStore(): string {
    return documentOnDisk(this.#device.disk, NOVEL).getText('t').toString()
  }

  textOnRelay(): string {
    const entries = this.#world.document()?.entries ?? []
    return documentOf(entries.map(({ payload }) => payload))
      .getText('t')
      .toString()
  }
}

async function prepare(disk = new MemoryDisk()) {
  const world = new World({}, { isSlow: true })
  const device = world.device(disk)
  const document = await device.open()
  const witness = new Witness(world, device, document)
  return { world, device, document, witness, text: document.doc.getText('t') }
}

describe('the witness', () => {
  it('sees a false claim', async () => {
    const { device, document, witness, text } = await prepare()
    text.insert(0, 'x')
    witness.look({ ...document.status, safety: 'on-device' })
    await device.tidemark.flush()
    witness.look({ ...document.status, safety: 'on-relay' })
    expect(witness.falseClaims).toEqual([
      'on-device: not stored',
      'on-relay: not on the relay',
      'on-relay, and yet unsent',
    ])
  })
})

describe('a relay that is killed', () => {
  it('before any message of a burst, is claimed to have no more than it has', async () => {
    const burstKilledAt = async (killedAt: number): Promise<number> => {
      const { world, device, witness, text } = await prepare()
      text.insert(0, 'before ')
      expect((await device.sync()).complete).toBe(true)
      text.insert(0, 'edited ')
      text.delete(text.length - 2, 1)
      let messages = 0
      witness.watchRelay((count) => {
        messages = count + 1
        if (count === killedAt) world.relay.crash()
      })
      await device.sync().catch(() => null)
      world.restart()
      witness.watchRelay()
      text.insert(0, 'and ')
      expect((await device.sync()).complete).toBe(true)
      expect(witness.told.at(-1)).toBe('on-relay')
      expect(witness.falseClaims).toEqual([])
      return messages
    }
    const messages = await burstKilledAt(Number.POSITIVE_INFINITY)
    // The connection, a message up, one down, and the close.
    expect(messages).toBeGreaterThanOrEqual(4)
    for (let killedAt = 0; killedAt < messages; killedAt++) await burstKilledAt(killedAt)
  })

  it('is named as what is wrong, and as nobody’s to mend', async () => {
    const { world, device, document, text } = await prepare()
    text.insert(0, 'x')
    world.relay.crash()
    await expect(device.sync()).rejects.toMatchObject({ code: 'OFFLINE', action: 'wait', relay: RELAY_URL })
    expect(document.status).toMatchObject({ safety: 'on-device', problem: { code: 'OFFLINE', action: 'wait' } })
    expect(document.status.unsentSince).not.toBeNull()
  })
})

describe('an acknowledgement that is lost', () => {
  it('is not claimed, and the push not stored twice', async () => {
    const { world, device, document, witness, text } = await prepare()
    text.insert(0, 'x')
    witness.watchRelay()
    world.line = () => ({ ...UNCUT, downBytesLeft: 0 })
    await device.sync().catch(() => null)
    expect(witness.textOnRelay()).toBe('x')
    expect(document.status).toMatchObject({ safety: 'on-device', problem: { code: 'OFFLINE' } })
    world.line = () => ({ ...UNCUT })
    expect((await device.sync()).complete).toBe(true)
    expect(document.status).toMatchObject({ safety: 'on-relay', problem: null })
    expect(await world.log()).toHaveLength(1)
    expect(witness.falseClaims).toEqual([])
  })
})

describe('a full device', () => {
  it('is said as long as it lasts: the edit is unsaved, nothing before it is lost, and it goes no further', async () => {
    let isFull = false
    const gate = (): Promise<void> =>
      isFull ? Promise.reject(new DeviceStoreError('FULL', 'quota')) : Promise.resolve()
    const { world, device, document, witness, text } = await prepare(new MemoryDisk({ gate }))
    text.insert(0, 'stored ')
    expect((await device.sync()).complete).toBe(true)
    isFull = true
    witness.watchRelay()
    text.insert(0, 'too much ')
    await expect(device.tidemark.flush()).rejects.toMatchObject({ code: 'STORE_FULL', action: 'free-device-space' })
    expect(document.status).toMatchObject({ safety: 'unsaved', problem: { code: 'STORE_FULL', documentId: NOVEL } })
    expect(await device.sync()).toMatchObject({ complete: false })
    expect(document.status).toMatchObject({ safety: 'unsaved', problem: { code: 'STORE_FULL' } })
    expect([witness.textInStore(), witness.textOnRelay()]).toEqual(['stored ', 'stored '])
    isFull = false
    expect(await device.sync()).toMatchObject({ complete: true })
    expect(document.status).toMatchObject({ safety: 'on-relay', problem: null })
    expect(witness.textInStore()).toBe('too much stored ')
    expect(await world.log()).toHaveLength(2)
    expect(witness.falseClaims).toEqual([])
  })
})

describe('a vault over its quota', () => {
  it('is named with its relay, and what helps, while the other relay has everything', async () => {
    const small = new World({ vaultBytesMax: 100 })
    const { device, document, text } = await (async () => {
      const world = new World()
      const connect = function connect(url: string): unknown {
        return new (url.startsWith(RELAY_URL) ? world : small).relay.WebSocket(url, [])
      } as unknown as typeof world.relay.WebSocket
      const relays = [RELAY_URL, 'ws://small.test']
      const device = world.device(new MemoryDisk(), { relays, platform: { WebSocket: connect, fetch: null } })
      const document = await device.open()
      return { device, document, text: document.doc.getText('t') }
    })()
    text.insert(0, 'x'.repeat(1_000))
    const report = await device.sync()
    expect(report).toMatchObject({ complete: false, relays: [{ complete: true }, { complete: false, error: null }] })
    const problem = { code: 'QUOTA', action: 'free-relay-space', relay: 'ws://small.test', documentId: NOVEL }
    expect(document.status).toMatchObject({
      safety: 'on-relay',
      problem,
      relays: {
        [RELAY_URL]: { safety: 'on-relay', problem: null },
        'ws://small.test': { safety: 'on-device', problem },
      },
    })
  })
})

describe('a relay that is wiped', () => {
  it('is no longer claimed to have anything as soon as it says so, until it has been given all of it again', async () => {
    const { world, device, document, witness, text } = await prepare()
    text.insert(0, 'everything')
    expect((await device.sync()).complete).toBe(true)
    expect(document.status.safety).toBe('on-relay')
    world.wipe()
    witness.isDeviceDeceived = true
    witness.watchRelay()
    expect((await device.sync()).complete).toBe(true)
    expect(witness.isDeviceDeceived).toBe(false)
    expect(witness.told.slice(-2)).toEqual(['on-device', 'on-relay'])
    expect(witness.textOnRelay()).toBe('everything')
    expect(witness.falseClaims).toEqual([])
  })

  it('also where the burst is cut before it could be given anything', async () => {
    const { world, device, document, witness, text } = await prepare()
    text.insert(0, 'everything')
    await device.sync()
    world.wipe()
    witness.isDeviceDeceived = true
    // The first answer says that the log is not there; then the line breaks.
    witness.watchRelay(() => {
      if (document.status.safety === 'on-device') world.relay.crash()
    })
    await device.sync().catch(() => null)
    expect(document.status).toMatchObject({ safety: 'on-device', problem: { code: 'OFFLINE' } })
    expect(document.status.unsentBytes).toBeGreaterThan(0)
    expect(witness.falseClaims).toEqual([])
  })
})

describe('the sum', () => {
  it('says what is wrong with a relay to a device that has no document yet', async () => {
    const world = new World()
    const device = world.device(new MemoryDisk(), { token: '' })
    await expect(device.sync()).rejects.toMatchObject({ code: 'TOKEN' })
    expect(device.tidemark.status).toMatchObject({
      activity: 'stuck',
      problem: { code: 'TOKEN', action: 'renew-token' },
      relays: { [RELAY_URL]: { problem: { code: 'TOKEN' } } },
    })
  })

  it('knows when a burst was last complete, though no document was opened in it', async () => {
    const world = new World()
    const device = world.device()
    const document = await device.open()
    document.doc.getText('t').insert(0, 'x')
    await device.sync()
    await document.close()
    await device.sync()
    world.laterMs += 60_000
    const report = await device.sync()
    expect(report.relays[0]?.documents).toEqual([])
    expect(device.tidemark.status.lastSyncedAt).toBeGreaterThanOrEqual(report.startedAt)
  })
})

// A device store that refuses for a while: what is in memory stays, and what was not stored is not taken for stored.
import { Tidemark } from '@tidemark/client'
import { expect, it } from 'vitest'
import { DeviceStoreError, type StoreWrite } from '../../client/src/store/contract.ts'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { NOVEL, World } from '../support/world.ts'

class Gate {
  pass: (write: StoreWrite) => Promise<void> = async () => undefined
  readonly disk = new MemoryDisk({ gate: (write) => this.pass(write) })

  fill(): void {
    this.pass = () => Promise.reject(new DeviceStoreError('FULL', 'no space'))
  }

  free(): void {
    this.pass = async () => undefined
  }
}

it('a close that fails gives nothing up: every document goes on, and closes later', async () => {
  const gate = new Gate()
  const tidemark = new Tidemark({ store: gate.disk })
  const one = await tidemark.open('alice/one')
  const two = await tidemark.open('alice/two')
  await tidemark.flush()
  gate.fill()
  two.doc.getText('t').insert(0, 'x')
  await expect(tidemark.close()).rejects.toMatchObject({ code: 'STORE_FULL' })
  gate.free()
  one.doc.getText('t').insert(0, 'after the failed close')
  await tidemark.close()
  const later = new Tidemark({ store: gate.disk })
  expect((await later.open('alice/one')).doc.getText('t').toString()).toBe('after the failed close')
  expect((await later.open('alice/two')).doc.getText('t').toString()).toBe('x')
})

it('a close that fails over what is unsent gives nothing up either', async () => {
  const gate = new Gate()
  const world = new World()
  const device = world.device(gate.disk)
  await device.type('x')
  await device.tidemark.flush()
  gate.fill()
  await expect(device.tidemark.close()).rejects.toMatchObject({ code: 'STORE_FULL' })
  gate.free()
  expect(await device.sync()).toMatchObject({ complete: true })
  await device.tidemark.close()
})

it('a close takes along what is typed into one document while another is stored', async () => {
  const gate = new Gate()
  const device = new World().device(gate.disk)
  const [one, two] = [await device.open('alice/one'), await device.open('alice/two')]
  await device.sync()
  two.doc.getText('t').insert(0, 'unsent')
  await device.tidemark.flush()
  const task = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  let goOn = (): void => undefined
  gate.pass = ({ append = [] }) => {
    if (append.some(({ documentId }) => documentId === 'alice/one')) return task(20)
    return new Promise((resolve) => {
      goOn = resolve
    })
  }
  const closed = device.tidemark.close()
  for (const text of ['a', 'b']) {
    await task()
    one.doc.getText('t').insert(0, text)
  }
  await task()
  gate.free()
  goOn()
  await closed
  device.crash()
  expect((await device.open('alice/one')).doc.getText('t').toString()).toBe('ba')
})

it.each(['fails', 'is not waited for'])(
  'what was discarded does not come back where the close before it %s',
  async (how) => {
    const gate = new Gate()
    const world = new World()
    const device = world.device(gate.disk)
    await device.type('kept. ')
    await device.sync()
    const document = await device.open()
    let goOn = (): void => undefined
    if (how === 'fails') gate.fill()
    else
      gate.pass = () =>
        new Promise((resolve) => {
          goOn = resolve
        })
    document.doc.getText('t').insert(0, 'discarded')
    const closed = document.close().catch(() => undefined)
    if (how === 'fails') await closed
    await new Promise((resolve) => setImmediate(resolve))
    gate.free()
    const forgotten = device.tidemark.forget(NOVEL, { discardUnsent: true })
    await new Promise((resolve) => setImmediate(resolve))
    goOn()
    await forgotten
    await device.tidemark.flush()
    await device.tidemark.close()
    expect(gate.disk.snapshot().documents.get(NOVEL)?.rows.size ?? 0).toBe(0)
    const later = world.device(gate.disk)
    expect(await later.text()).toBe('')
    await later.sync()
    expect(await later.text()).toBe('kept. ')
  },
)

it('a document whose close fails is closed by another try, once there is room', async () => {
  const gate = new Gate()
  const tidemark = new Tidemark({ store: gate.disk })
  const document = await tidemark.open('alice/one')
  await tidemark.flush()
  gate.fill()
  document.doc.getText('t').insert(0, 'x')
  await expect(document.close()).rejects.toMatchObject({ code: 'STORE_FULL' })
  await expect(document.close()).rejects.toMatchObject({ code: 'STORE_FULL' })
  // Whoever opens it meanwhile keeps it, with all that was typed.
  const again = await tidemark.open('alice/one')
  gate.free()
  await document.close()
  again.doc.getText('t').insert(1, 'y')
  await again.close()
  await tidemark.close()
  const later = new Tidemark({ store: gate.disk })
  expect((await later.open('alice/one')).doc.getText('t').toString()).toBe('xy')
})

it('a deletion that is refused has not begun', async () => {
  const gate = new Gate()
  const world = new World()
  const device = world.device(gate.disk)
  await device.type('x')
  await device.sync()
  await (await device.open()).close()
  gate.fill()
  await expect(device.tidemark.delete(NOVEL)).rejects.toMatchObject({ code: 'STORE_FULL' })
  gate.free()
  expect(await device.text()).toBe('x')
  expect(await device.sync()).toMatchObject({ complete: true })
  expect(world.document()).not.toBeNull()
  device.crash()
  expect(await device.text()).toBe('x')
})

it('a feed page that could not be stored is listed again, also after a crash', async () => {
  const world = new World()
  const writer = world.device()
  const [x, y] = [await writer.open('alice/x'), await writer.open('alice/y')]
  for (const { doc } of [x, y]) doc.getText('t').insert(0, '1')
  await writer.sync()
  const gate = new Gate()
  const reader = world.device(gate.disk)
  for (const id of ['alice/x', 'alice/y']) await (await reader.open(id)).close()
  await reader.sync()
  await reader.sync()

  x.doc.getText('t').insert(0, '2')
  await writer.sync()
  gate.fill()
  await reader.sync().catch(() => undefined)
  y.doc.getText('t').insert(0, '2')
  await writer.sync()
  // The feed is stored now, and the device dies before any document is.
  gate.pass = ({ records = [] }) => {
    return records.some(({ key }) => key.startsWith('feed/')) ? Promise.resolve() : new Promise(() => undefined)
  }
  void reader.sync().catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 50))
  gate.free()
  reader.crash()
  expect((await reader.sync()).complete).toBe(true)
  expect((await reader.open('alice/x')).doc.getText('t').toString()).toBe('21')
})

it('a document that cannot be read fails alone', async () => {
  const world = new World()
  const disk = new MemoryDisk()
  const device = world.device(disk)
  for (const id of ['alice/bad', 'alice/good']) (await device.open(id)).doc.getText('t').insert(0, 'x')
  await device.tidemark.close()
  const store = await disk.open()
  await store.commit({ append: [{ documentId: 'alice/bad', bytes: Uint8Array.of(99) }] })
  await store.close()
  const later = world.device(disk)
  const report = await later.sync()
  expect(report.complete).toBe(false)
  expect(report.relays[0]?.documents).toContainEqual(
    expect.objectContaining({
      id: 'alice/bad',
      outcome: 'failed',
      error: expect.objectContaining({ code: 'STORE_FAILED' }),
    }),
  )
  expect(await world.log('alice/good')).toHaveLength(1)
  expect(later.tidemark.status.problem).toMatchObject({ code: 'STORE_FAILED' })
})

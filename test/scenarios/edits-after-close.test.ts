// An app that types on into a document that it has closed, or destroyed, or asked to forget: nothing is lost unseen.
import { describe, expect, it, vi } from 'vitest'
import { brokenUpdate } from '../support/broken-update.ts'
import { TabbedDevice } from '../support/tabbed-device.ts'
import { catchUncaught } from '../support/uncaught.ts'
import { NOVEL, World } from '../support/world.ts'

const LOST = { safety: 'unsaved', activity: 'stuck', problem: { code: 'CLOSED', documentId: NOVEL } }

describe('an edit of a document that was closed', () => {
  it('is told by its status and its flush, and is not in what opens next', async () => {
    const device = new World().device()
    const document = await device.open()
    document.doc.getText('t').insert(0, 'stored ')
    await document.close()
    expect(document.status).toMatchObject({ safety: 'on-device', problem: null })
    const told: unknown[] = []
    document.subscribe((status) => told.push(status))
    document.doc.getText('t').insert(0, 'lost ')
    expect(document.status).toMatchObject(LOST)
    expect(told).toEqual([document.status])
    await expect(document.flush()).rejects.toMatchObject({ code: 'CLOSED', action: 'fix-app' })
    expect(await device.text()).toBe('stored ')
  })

  it.each([
    ['the Tidemark was closed', 'close'],
    ['the document was deleted', 'delete'],
    ['the document was forgotten', 'forget'],
  ] as const)('is told where %s', async (_how, act) => {
    const device = new World().device()
    const document = await device.open()
    document.doc.getText('t').insert(0, 'stored ')
    await device.sync()
    if (act === 'close') await device.tidemark.close()
    else await device.tidemark[act](NOVEL)
    expect(document.status.problem).toBeNull()
    document.doc.getText('t').insert(0, 'lost ')
    expect(document.status).toMatchObject(LOST)
  })

  it('is told where a burst held the document beyond its close', async () => {
    const device = new World({}, { isSlow: true }).device()
    const document = await device.open()
    const burst = device.sync()
    await document.close()
    await burst
    document.doc.getText('t').insert(0, 'late ')
    const isStored = (await device.text()) === 'late '
    expect(isStored || document.status.problem?.code === 'CLOSED').toBe(true)
  })

  it('is told in a tab that shows the document through another one', async () => {
    const device = new TabbedDevice()
    device.tab()
    const guest = device.tab()
    const document = await guest.open()
    document.doc.getText('t').insert(0, 'stored ')
    await document.close()
    document.doc.getText('t').insert(0, 'lost ')
    expect(document.status).toMatchObject(LOST)
    await expect(document.flush()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

it('is told where a listener of the app threw when the document ended, which closes all the same', async () => {
  const uncaught = catchUncaught()
  const device = new World().device()
  const document = await device.open()
  document.doc.on('destroy', () => {
    throw new Error('of the app')
  })
  await document.close()
  await vi.waitFor(() => expect(uncaught).toEqual([new Error('of the app')]))
  document.doc.getText('t').insert(0, 'lost ')
  expect(document.status).toMatchObject(LOST)
})

it('is recorded where the app destroyed the Y.Doc', async () => {
  const device = new World().device()
  const document = await device.open()
  document.doc.destroy()
  document.doc.getText('t').insert(0, 'typed on')
  await device.sync()
  expect(document.status.safety).toBe('on-relay')
  await document.close()
  expect(await device.text()).toBe('typed on')
})

it('is recorded where the app destroyed the Y.Doc that it has through another tab', async () => {
  const device = new TabbedDevice()
  device.tab()
  const guest = device.tab()
  const document = await guest.open()
  document.doc.destroy()
  document.doc.getText('t').insert(0, 'typed on')
  await document.flush()
  for (const { tidemark } of [...device.tabs].reverse()) await tidemark.close()
  expect(await device.textInStore()).toBe('typed on')
})

describe('what is typed into the Y.Doc of before a rebuild, as an editor does that is bound anew a moment later,', () => {
  it('is in the new one, stored and sent, also after another rebuild', async () => {
    const world = new World()
    const device = world.device()
    const document = await device.open()
    document.doc.getText('t').insert(0, 'text')
    const before = document.doc
    for (const clientId of [5, 6]) {
      await world.append(brokenUpdate(clientId))
      await device.sync()
      before.getText('t').insert(0, 'more ')
    }
    expect(document.doc).not.toBe(before)
    expect(document.doc.getText('t').toString()).toBe('more more text')
    await device.sync()
    await document.close()
    expect(await device.text()).toBe('more more text')
    before.getText('t').insert(0, 'lost ')
    expect(document.status).toMatchObject(LOST)
    const other = world.device()
    await other.open()
    await other.sync()
    expect(await other.text()).toBe('more more text')
  })

  it('is in that of another tab, and sent', async () => {
    const world = new World()
    const device = new TabbedDevice({ world })
    const host = device.tab()
    const guest = device.tab()
    const document = await guest.open()
    document.doc.getText('t').insert(0, 'text')
    await document.flush()
    const before = document.doc
    await world.append(brokenUpdate())
    await host.tidemark.sync()
    await vi.waitFor(() => expect(document.doc).not.toBe(before))
    before.getText('t').insert(0, 'more ')
    await document.flush()
    expect((await host.open()).doc.getText('t').toString()).toBe('more text')
  })
})

describe('a document that may not be forgotten, since edits of it are unsent,', () => {
  it('stays open, and what is typed on is stored', async () => {
    const device = new World().device()
    const document = await device.open()
    document.doc.getText('t').insert(0, 'unsent ')
    await expect(device.tidemark.forget(NOVEL)).rejects.toMatchObject({ code: 'UNSENT', action: 'sync-first' })
    document.doc.getText('t').insert(0, 'and typed on: ')
    expect(await device.open()).toBe(document)
    await document.flush()
    device.crash()
    expect(await device.text()).toBe('and typed on: unsent ')
  })

  it('names what helps where another device deleted it', async () => {
    const world = new World()
    const [here, there] = [world.device(), world.device()]
    await here.type('sent')
    await here.sync()
    await there.open()
    await there.sync()
    await there.tidemark.delete(NOVEL)
    await there.sync()
    await here.sync()
    const message = expect.stringContaining('was deleted by another device, and is only here; say discardUnsent')
    await expect(here.tidemark.forget(NOVEL)).rejects.toMatchObject({ code: 'UNSENT', message })
    await here.tidemark.forget(NOVEL, { discardUnsent: true })
    expect(here.tidemark.status.problem).toBeNull()
  })

  it('is forgotten once it was sent, and again where nothing was typed', async () => {
    const device = new World().device()
    const document = await device.open()
    document.doc.getText('t').insert(0, 'sent')
    await device.sync()
    await device.tidemark.forget(NOVEL)
    expect(await device.text()).toBe('')
    await device.tidemark.forget(NOVEL)
  })
})

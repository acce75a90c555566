// @vitest-environment happy-dom
// The hooks in a real React, also in StrictMode, where every effect runs twice.
import type { Tidemark, TidemarkDocument } from '@tidemark/client'
import { type DocumentState, useDocument, useSyncStatus } from '@tidemark/client/react'
import { act, createElement, type ReactNode, StrictMode } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { brokenUpdate } from '../../support/broken-update.ts'
import { NOVEL, type TestDevice, World } from '../../support/world.ts'

let root: Root
let page: HTMLElement
let device: TestDevice

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  page = document.createElement('div')
  root = createRoot(page)
  device = new World().device()
})

afterEach(async () => {
  await act(async () => root.unmount())
  await device.tidemark.close()
  vi.unstubAllGlobals()
})

/** What the component saw when it was rendered last. */
let seen: DocumentState | null = null

function Sheet({ tidemark, id }: { tidemark: Tidemark; id: string }): ReactNode {
  const state = useDocument(tidemark, id)
  seen = state
  if (state.error !== null) return state.error.code
  return state.doc === null ? 'opening' : `${state.doc.getText('t').toString()} ${state.status?.safety}`
}

function Safety({ source }: { source: Tidemark }): ReactNode {
  const { safety, documentsUnsent } = useSyncStatus(source)
  return `${safety} ${documentsUnsent}`
}

function DocumentSafety({ source }: { source: TidemarkDocument }): ReactNode {
  return useSyncStatus(source).safety
}

const sheet = (id = NOVEL, key = 'sheet'): ReactNode => createElement(Sheet, { tidemark: device.tidemark, id, key })

/** And lets what it began come to an end. */
async function render(node: ReactNode): Promise<void> {
  await act(async () => {
    root.render(node)
    await settled()
  })
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}

/** Whether the document is open, without opening it for longer. */
async function isOpen(document: TidemarkDocument | null): Promise<boolean> {
  const found = await device.open(NOVEL)
  if (found === document) return true
  await found.close()
  return false
}

describe.each([
  ['useDocument', (node: ReactNode) => node],
  ['useDocument in StrictMode', (node: ReactNode) => createElement(StrictMode, null, node)],
])('%s', (_name, within) => {
  it('opens the document, renders again as its status changes, and closes it when nothing shows it any more', async () => {
    const opened = vi.spyOn(device.tidemark, 'open')
    await act(async () => root.render(within(sheet())))
    await render(within(sheet()))
    expect(opened).toHaveBeenCalledTimes(1)
    expect(page.textContent).toBe(' on-device')
    await act(async () => {
      seen?.doc?.getText('t').insert(0, 'Call me Ishmael.')
      await settled()
    })
    expect(page.textContent).toBe('Call me Ishmael. on-device')
    await act(async () => void (await device.sync()))
    expect(page.textContent).toBe('Call me Ishmael. on-relay')
    const shown = seen?.document ?? null
    await render(within(null))
    expect(await isOpen(shown)).toBe(false)
    expect(await device.text()).toBe('Call me Ishmael.')
  })

  it('shows one document in two places, and closes it after the second', async () => {
    await render(within([sheet(NOVEL, 'one'), sheet(NOVEL, 'two')]))
    const shown = seen?.document ?? null
    await render(within([sheet(NOVEL, 'two')]))
    expect(await isOpen(shown)).toBe(true)
    await act(async () => {
      shown?.doc.getText('t').insert(0, 'still here')
      await settled()
    })
    expect(page.textContent).toBe('still here on-device')
    await render(within([]))
    expect(await isOpen(shown)).toBe(false)
  })

  it('keeps a document open that moves from one component to another', async () => {
    await render(within(sheet(NOVEL, 'left')))
    const shown = seen?.document ?? null
    const opened = vi.spyOn(device.tidemark, 'open')
    await render(within(sheet(NOVEL, 'right')))
    expect(seen?.document).toBe(shown)
    expect(opened).not.toHaveBeenCalled()
  })

  it('goes from one document to the other, and never shows the one under the name of the other', async () => {
    await device.type('of the novel')
    await (await device.open()).close()
    await render(within(sheet(NOVEL)))
    const novel = seen?.document ?? null
    await act(async () => root.render(within(sheet('alice/diary'))))
    expect(page.textContent).not.toContain('of the novel')
    await render(within(sheet('alice/diary')))
    expect(seen?.document?.id).toBe('alice/diary')
    expect(await isOpen(novel)).toBe(false)
  })

  it('says why a document cannot be opened', async () => {
    await render(within(sheet('no id')))
    expect(page.textContent).toBe('BAD_ID')
    expect(seen).toMatchObject({ document: null, doc: null, error: { action: 'fix-app' } })
  })

  it.each(['forget', 'delete', 'close'] as const)(
    'shows no document any more after %s: typing on would be lost',
    async (how) => {
      await device.type('sent ')
      await device.sync()
      await render(within(sheet()))
      expect(page.textContent).toBe('sent  on-relay')
      await act(async () => {
        if (how === 'close') await device.tidemark.close()
        else await device.tidemark[how](NOVEL)
        await settled()
      })
      expect(page.textContent).toBe('CLOSED')
      expect(seen).toMatchObject({ document: null, doc: null, error: { documentId: NOVEL } })
      await render(within(null))
      await render(within(sheet()))
      expect(page.textContent).toBe({ forget: ' on-device', delete: 'DELETED', close: 'CLOSED' }[how])
    },
  )

  it('shows the document on where it may not be forgotten', async () => {
    await render(within(sheet()))
    const shown = seen?.document ?? null
    await act(async () => {
      shown?.doc.getText('t').insert(0, 'unsent')
      await expect(device.tidemark.forget(NOVEL)).rejects.toMatchObject({ code: 'UNSENT' })
      await settled()
    })
    expect(seen?.document).toBe(shown)
    expect(page.textContent).toBe('unsent on-device')
  })

  it('gives up a document that comes when nothing shows it any more', async () => {
    await act(async () => {
      root.render(within(sheet()))
    })
    await act(async () => root.render(within(null)))
    await settled()
    expect(await isOpen(seen?.document ?? null)).toBe(false)
  })
})

it('renders again with the new doc when a document had to be rebuilt', async () => {
  const world = new World()
  device = world.device()
  await world.append(brokenUpdate())
  await render(sheet())
  const before = seen?.doc
  await act(async () => void (await device.sync()))
  expect(seen?.doc).not.toBe(before)
  expect(seen?.doc).toBe(seen?.document?.doc)
})

describe('useSyncStatus', () => {
  it('renders again whenever the status of all, or of one document, changes', async () => {
    const novel = await device.open()
    await render([
      createElement(Safety, { source: device.tidemark, key: 'all' }),
      ' ',
      createElement(DocumentSafety, { source: novel, key: 'one' }),
    ])
    expect(page.textContent).toBe('on-device 0 on-device')
    await act(async () => {
      novel.doc.getText('t').insert(0, 'x')
      await settled()
    })
    expect(page.textContent).toBe('on-device 1 on-device')
    await act(async () => void (await device.sync()))
    expect(page.textContent).toBe('on-relay 0 on-relay')
  })
})

describe('on a server', () => {
  const both = (): ReactNode => [sheet(), createElement(Safety, { source: device.tidemark, key: 'status' })]

  it('nothing is opened, and the page hydrates as it was rendered', async () => {
    const opened = vi.spyOn(device.tidemark, 'open')
    await device.tidemark.flush()
    const html = renderToString(both())
    expect(html).toContain('opening')
    expect(opened).not.toHaveBeenCalled()
    await device.type('written before the page was hydrated')
    const served = document.createElement('div')
    served.innerHTML = html
    const errors: unknown[] = []
    await act(async () => {
      root = hydrateRoot(served, both(), { onRecoverableError: (error) => errors.push(error) })
      await settled()
    })
    expect(errors).toEqual([])
    expect(served.textContent).toBe('written before the page was hydrated on-deviceon-device 1')
  })
})

// Once a listener of 'update' has thrown, Yjs 13 emits nothing any more: all that was typed after that was in no store, and its status
// said that it was.
import { expect, it, vi } from 'vitest'
import { TabbedDevice, textOf } from '../support/tabbed-device.ts'
import { catchUncaught } from '../support/uncaught.ts'
import { World } from '../support/world.ts'

const thrown = new Error('of the app')

function throwing(): never {
  throw thrown
}

it.each(['update', 'updateV2', 'afterTransactionCleanup', 'afterAllTransactions'] as const)(
  "what is typed after a listener of '%s' has thrown is stored",
  async (event) => {
    const uncaught = catchUncaught()
    const device = new World().device()
    const { doc } = await device.open()
    doc.on(event, throwing)
    doc.getText('t').insert(0, 'one ')
    doc.off(event, throwing)
    doc.getText('t').insert(0, 'two ')
    await device.tidemark.flush()
    device.crash()
    expect(await device.text()).toBe('two one ')
    await vi.waitFor(() => expect(uncaught).toEqual([thrown]))
  },
)

it('so it is in another tab', async () => {
  const uncaught = catchUncaught()
  const device = new TabbedDevice()
  const [left, right] = [await device.tab().open(), await device.tab().open()]
  right.doc.on('update', throwing)
  right.doc.getText('t').insert(0, 'one ')
  right.doc.off('update', throwing)
  right.doc.getText('t').insert(0, 'two ')
  await right.flush()
  expect(textOf(left)).toBe('two one ')
  await vi.waitFor(() => expect(uncaught).toEqual([thrown]))
})

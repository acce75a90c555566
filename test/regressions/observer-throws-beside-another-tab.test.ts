// An observer of the app that threw on what came from another tab: the tab that has the store did not tell that it had stored it, and
// the other one did not come to an end with what it was given.
import { expect, it } from 'vitest'
import { TabbedDevice, textOf } from '../support/tabbed-device.ts'
import { catchUncaught } from '../support/uncaught.ts'

async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve))
}

it('what another tab typed is taken, stored and told, and the app hears of its own error', async () => {
  const uncaught = catchUncaught()
  const device = new TabbedDevice()
  const [left, right] = [await device.tab().open(), await device.tab().open()]
  const thrown = new Error('of the app')
  for (const { doc } of [left, right]) {
    doc.getText('t').observe(() => {
      throw thrown
    })
  }
  expect(() => right.doc.getText('t').insert(0, 'right ')).toThrow(thrown)
  await settled()
  expect([textOf(left), right.status.safety]).toEqual(['right ', 'on-device'])
  expect(() => left.doc.getText('t').insert(0, 'left ')).toThrow(thrown)
  await settled()
  expect(textOf(right)).toBe('left right ')
  expect(uncaught).toEqual([thrown, thrown])
})

// The mutation check of the nudge that frees what Yjs keeps pending although it is complete. It is a function of a module,
// which only a mock takes away: so this file stands alone.
// Random schedules do not bring it about: it takes two gaps in one stack of what is missing.
import { expect, it, vi } from 'vitest'
import { noticedBy } from '../simulation/sabotages/detection.ts'
import { wedge } from '../simulation/sabotages/directed.ts'

const sabotage = vi.hoisted(() => ({ isOn: false }))

vi.mock('../../client/src/document/integration.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../client/src/document/integration.ts')>()
  const nudgePending: typeof original.nudgePending = (...rest) => {
    if (!sabotage.isOn) original.nudgePending(...rest)
  }
  return { ...original, nudgePending }
})

const NUDGE_MISSING = {
  patch: () => {
    sabotage.isOn = true
    return () => {
      sabotage.isOn = false
    }
  },
}

it('a script notices that complete content stays pending', async () => {
  expect(await noticedBy(wedge, NUDGE_MISSING)).not.toBeNull()
})

// Seeds 507 and 555 of their time: a device that had told every relay of a deletion, and died before its own rows were
// removed, kept them for ever.
import { expect, it } from 'vitest'
import { updatesOn } from '../disk-reading.ts'
import { runOut } from '../run-out.ts'
import { deletedUntold, deliverUntil, NOVEL, syncOn } from '../scripted.ts'

it.each([1, 2, 3, 4, 5])('the rows go at last, though the device dies after %i commits', async (commits) => {
  const { world, a } = await deletedUntold()
  a.sync({}, () => undefined)
  for (let i = 0; i < commits; i++) {
    await deliverUntil(world, () => a.isStoring || a.syncsRunning === 0)
    if (a.isStoring) await a.disk.endCommit(false)
  }
  a.crash()
  a.start()
  await runOut(world)
  await syncOn(world, a)
  await syncOn(world, a)
  const stored = world.disks.read(a).get(NOVEL)
  expect(stored === undefined ? [] : updatesOn(stored)).toEqual([])
  expect(world.relays[0]?.log(NOVEL)).toBeNull()
})

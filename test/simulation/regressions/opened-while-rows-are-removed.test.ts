// Seed 22 of its time: a document that was deleted everywhere could be opened while its rows were being removed. What the
// app saw then was on no disk, and what it wrote to that could not be read again.
import { expect, it } from 'vitest'
import { runOut } from '../run-out.ts'
import { deletedUntold, deliverUntil, NOVEL, novelOn, type } from '../scripted.ts'

/** The document is begun anew when so many commits of its deletion have ended. */
async function createdAfter(commits: number): Promise<{ readonly shown: string; readonly stored: string }> {
  const { world, a } = await deletedUntold()
  a.sync({}, () => undefined)
  for (let i = 0; i < commits; i++) {
    await deliverUntil(world, () => a.isStoring || a.syncsRunning === 0)
    if (a.isStoring) await a.disk.endCommit(false)
  }
  world.createDocument(a, NOVEL)
  await runOut(world)
  await type(world, a, 'two ')
  const shown = novelOn(a).doc.getText('text').toString()
  a.crash()
  a.start()
  await runOut(world)
  return { shown, stored: novelOn(a).doc.getText('text').toString() }
}

it.each([0, 1, 2, 3, 4, 5])(
  'what is shown is on the disk, begun anew after %i commits of a deletion',
  async (commits) => {
    const { shown, stored } = await createdAfter(commits)
    expect(stored).toBe(shown)
    expect(shown).toMatch(/^(one )?two $/)
  },
)

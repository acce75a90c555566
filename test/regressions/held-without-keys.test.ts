// Documents of which something is held, at a start: a device without keys did not look, and one that could not be loaded hid those
// after it.
import { keyRing } from '@tidemark/client'
import { expect, it, vi } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { encryptedDevice, key } from '../support/encrypted.ts'
import { slowToRead } from '../support/slow-disk.ts'
import { World } from '../support/world.ts'

const IDS = ['alice/a', 'alice/b', 'alice/c']

/** A disk with documents that are sealed under `k1`, closed, on a device that has no keys. */
async function diskWithSealed(): Promise<{ readonly world: World; readonly disk: MemoryDisk }> {
  const world = new World()
  const writer = encryptedDevice(world, keyRing([key('k1')]))
  for (const id of IDS) (await writer.open(id)).doc.getText('t').insert(0, 'sealed')
  await writer.sync()
  const disk = new MemoryDisk()
  const reader = world.device(disk)
  const documents = await Promise.all(IDS.map((id) => reader.open(id)))
  await reader.sync()
  for (const document of documents) await document.close()
  await reader.tidemark.close()
  return { world, disk }
}

it('a device without keys tells after a restart, too, what it cannot read', async () => {
  const { world, disk } = await diskWithSealed()
  const { tidemark } = world.device(disk)
  await vi.waitFor(() => expect(tidemark.status.problem).toMatchObject({ code: 'UNKNOWN_KEY' }))
})

it('one that cannot be loaded hides no other', async () => {
  const { world, disk } = await diskWithSealed()
  let loaded = 0
  const store = slowToRead(disk, async () => {
    if (++loaded === 1) throw new Error('damaged')
  })
  const { tidemark } = world.device(disk, { store })
  await vi.waitFor(() => expect(tidemark.status.problem).toMatchObject({ code: 'UNKNOWN_KEY' }))
})

// A key came while two entries that it opens were on their way to the device store in one commit: the first of them was read
// when the commit ended, and the second was held for ever.
import { keyRing } from '@tidemark/client'
import { expect, it } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { encryptedDevice, key, problemOf } from '../support/encrypted.ts'
import { World } from '../support/world.ts'

it('all of them are read', async () => {
  const [k1, k2] = [key('k1'), key('k2')]
  const world = new World()
  await encryptedDevice(world, keyRing([k1, k2])).burst(3, 'sealed ')
  const waiting: (() => void)[] = []
  let isSlow = false
  const gate = (): Promise<void> => (isSlow ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve())
  const late = keyRing([k1])
  const b = encryptedDevice(world, late, { disk: new MemoryDisk({ gate }) })
  await b.open()
  await (await b.open()).flush()
  isSlow = true
  const syncing = b.sync()
  await expect.poll(() => waiting.length).toBeGreaterThan(0)
  late.rotate(k2)
  isSlow = false
  for (const resolve of waiting) resolve()
  expect(await syncing).toMatchObject({ complete: true })
  await (await b.open()).flush()
  expect(await b.text()).toBe('sealed sealed sealed ')
  expect(await problemOf(b)).toBeNull()
})

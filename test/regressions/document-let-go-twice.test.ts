// A document was let go, opened again and let go once more while its rows were being merged into a base: the first to let it
// go took it out of memory with the second one's edits, which were stored, and sent by nobody until the app was started anew.
import { expect, it } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { RELAY_URL, World } from '../support/world.ts'

it('it stays in memory until all that was written is in the store', async () => {
  const waiting: (() => void)[] = []
  let isSlow = false
  const gate = (): Promise<void> => (isSlow ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve())
  const world = new World()
  const device = world.device(new MemoryDisk({ gate }))
  await (await device.open()).flush()
  isSlow = true
  const first = 'first '.repeat(20_000)
  await device.type(first)
  const closing = [(await device.open()).close()]
  await expect.poll(() => waiting.length).toBe(1)
  waiting.shift()?.()
  await expect.poll(() => waiting.length).toBe(1) // The base.
  await device.type('second ')
  closing.push((await device.open()).close())
  waiting.shift()?.()
  await expect.poll(() => waiting.length).toBe(1)
  // Whoever opens it now gets what is in memory, and waits for no disk.
  expect(await device.text()).toBe(`second ${first}`)
  isSlow = false
  waiting.shift()?.()
  await Promise.all(closing)
  expect(await device.sync()).toMatchObject({ complete: true })
  expect((await device.open()).status.relays[RELAY_URL]?.safety).toBe('on-relay')
  const other = world.device()
  await other.open()
  await other.sync()
  expect(await other.text()).toBe(`second ${first}`)
})

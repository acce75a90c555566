// A relay that was restored, and a library whose list takes several HTTP answers: the device asked in one round for the rest of
// the list and for all of it, and took the second answer for something that nobody asked for.
import { expect, it } from 'vitest'
import { LyingRelay } from '../support/lying-relay.ts'
import { World } from '../support/world.ts'

it('each vault is asked for once in a round', async () => {
  const relay = new LyingRelay(new World({ httpResponseBytesTarget: 256, feedDocumentsMax: 2 }), 'http')
  const device = relay.device()
  for (let i = 0; i < 12; i++) {
    const { doc } = await device.open(`alice/chapter ${i}`)
    doc.getText('t').insert(0, `${i}`)
  }
  expect(await device.sync()).toMatchObject({ complete: true })
  const snapshot = relay.world.store.snapshot()
  await device.burst(1)
  relay.world.restore(snapshot, true)
  expect(await device.sync()).toMatchObject({ complete: true })
  expect(await device.sync()).toMatchObject({ complete: true })
  for (const frames of relay.heard) {
    const vaults = frames.flatMap((frame) => (frame.type === 'FEED' ? [frame.vault] : []))
    expect(new Set(vaults).size).toBe(vaults.length)
  }
})

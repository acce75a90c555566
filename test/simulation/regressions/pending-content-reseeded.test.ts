// Seed 15: what a device could not integrate yet was no part of what it gave back to a relay that had lost it. Once
// what it waited for had come, it counted neither as pending nor as unsent.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { append, commitAll, deliverUntil, deviceIn, NOVEL, novelOn, scriptedWorld, syncOn } from '../scripted.ts'
import type { SimulatedDevice } from '../simulated-device.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import type { World } from '../world.ts'

/** Two updates of one writer; the second cannot be integrated without the first. */
function twoUpdates(): { readonly first: Uint8Array; readonly second: Uint8Array } {
  const doc = new Y.Doc()
  doc.clientID = 7
  doc.getText('text').insert(0, 'Call me ')
  const first = Y.encodeStateAsUpdate(doc)
  const state = Y.encodeStateVector(doc)
  doc.getText('text').insert(8, 'Ishmael.')
  return { first, second: Y.encodeStateAsUpdate(doc, state) }
}

/** A device that was given only the second update, by a relay that has lost it since. */
async function withSecondOnly(
  second: Uint8Array,
): Promise<{ world: World; relay: SimulatedRelay; device: SimulatedDevice }> {
  const world = scriptedWorld()
  const relay = world.relays[0] as SimulatedRelay
  await append(world, relay, second)
  const device = await deviceIn(world)
  await syncOn(world, device)
  expect(novelOn(device).doc.store.pendingStructs).not.toBeNull()
  world.loseRelayData(relay, null, true)
  relay.start()
  return { world, relay, device }
}

function textOf(relay: SimulatedRelay): string {
  const doc = new Y.Doc()
  for (const { payload } of relay.log(NOVEL)?.entries ?? []) Y.applyUpdate(doc, payload)
  return doc.getText('text').toString()
}

it('is given back when what it waits for comes in the same burst', async () => {
  const { first, second } = twoUpdates()
  const { world, relay, device } = await withSecondOnly(second)
  await append(world, relay, first)
  expect(await syncOn(world, device)).toMatchObject({ complete: true })
  expect(novelOn(device).doc.getText('text').toString()).toBe('Call me Ishmael.')
  expect(textOf(relay)).toBe('Call me Ishmael.')
})

it('is given back by a device that crashed between RESET and its push', async () => {
  const { first, second } = twoUpdates()
  const { world, relay, device } = await withSecondOnly(second)
  device.sync({}, () => undefined)
  await deliverUntil(world, () => device.isStoring)
  // RESET is on the disk, and what it asks for is not sent yet.
  await commitAll(device)
  device.crash()
  device.start()
  await syncOn(world, device)
  await syncOn(world, device)
  await append(world, relay, first)
  expect(textOf(relay)).toBe('Call me Ishmael.')
})

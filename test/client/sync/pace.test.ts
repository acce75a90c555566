import { expect, it } from 'vitest'
import { Pace } from '../../../client/src/sync/pace.ts'

it('risks little after a cut, and more again only when a lot has moved uncut', () => {
  const pace = new Pace()
  const before = { ...pace }
  pace.cut()
  const after = { ...pace }
  expect(after.upBytes).toBeLessThan(before.upBytes)
  expect(after.downBytes).toBeLessThan(before.downBytes)
  expect(after.bundleBytes).toBeLessThan(before.bundleBytes)
  expect(after.windowBytes).toBeLessThan(before.windowBytes)
  expect(after.receiveWindowBytes).toBeLessThan(before.receiveWindowBytes)
  pace.moved(1024 * 1024)
  expect({ ...pace }).toEqual(after)
  for (let i = 0; i < 16; i++) pace.moved(1024 * 1024)
  expect(pace).toMatchObject({ upBytes: 2 * after.upBytes, downBytes: 2 * after.downBytes })
  for (let i = 0; i < 1_000; i++) pace.moved(1024 * 1024)
  expect({ ...pace }).toEqual(before)
})

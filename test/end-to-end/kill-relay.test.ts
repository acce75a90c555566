import { expect, it } from 'vitest'
import { killRelayRounds } from '../support/kill-relay.ts'

it('kill -9 of the relay in the middle of bursts loses nothing that was acknowledged, and needs no help', async () => {
  const { rounds, bursts } = await killRelayRounds(5, 20, 1)
  expect([rounds, bursts >= 100]).toEqual([5, true])
}, 60_000)

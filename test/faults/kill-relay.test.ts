import { expect, it } from 'vitest'
import { killRelayRounds } from '../support/kill-relay.ts'

it('kill -9 of the relay in the middle of a thousand bursts, 100 rounds', async () => {
  const report = await killRelayRounds(100, 20, 2)
  process.stdout.write(`${JSON.stringify(report)}\n`)
  expect(report.bursts).toBeGreaterThan(1_000)
  expect(report.burstsCut).toBeGreaterThan(100)
})

// The contract of a device store as tests, for any test runner: every driver and every wrapper is held to these.
import {
  appending,
  type ContractTest,
  type DeviceUnderTest,
  equal,
  type RegisterTest,
  record,
} from './conformance/check.ts'
import { lifeTests } from './conformance/life.ts'
import { orderTests } from './conformance/order.ts'
import { recordTests } from './conformance/records.ts'
import { rowTests } from './conformance/rows.ts'

export type { ContractTest, DeviceUnderTest } from './conformance/check.ts'

/** Registers the whole suite; each test asks for a device of its own. */
export function deviceStoreContract(test: ContractTest, newDevice: () => Promise<DeviceUnderTest>): void {
  const contractTest: RegisterTest = (name, run) =>
    test(name, async () => {
      const device = await newDevice()
      try {
        const store = await device.store.open()
        await run(store, device)
        await store.close()
      } finally {
        await device.dispose()
      }
    })
  rowTests(contractTest)
  recordTests(contractTest)
  orderTests(contractTest)
  lifeTests(contractTest)
  test('two devices share nothing', () => twoDevices(newDevice))
}

async function twoDevices(newDevice: () => Promise<DeviceUnderTest>): Promise<void> {
  const devices = [await newDevice(), await newDevice()] as const
  try {
    const [full, empty] = await Promise.all(devices.map(({ store }) => store.open()))
    await full?.commit({ ...appending('d', 'row'), records: [record('key', 'value')] })
    equal([await empty?.rows('d'), await empty?.records('')], [[], []])
    await Promise.all([full?.close(), empty?.close()])
  } finally {
    await Promise.all(devices.map((device) => device.dispose()))
  }
}

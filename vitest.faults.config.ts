// The tests that break things: processes killed, disks slowed, connections cut. Minutes rather than seconds.
import { defineConfig } from 'vitest/config'
import { sourceAliases } from './vitest.config.ts'

export default defineConfig({
  resolve: { alias: sourceAliases },
  test: {
    include: ['test/faults/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})

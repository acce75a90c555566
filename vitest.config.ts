// How the tests run: from the sources, unbuilt, by the names under which the packages are published.
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export const sourceAliases: { find: RegExp; replacement: string }[] = [
  { find: /^@tidemark\/protocol$/, replacement: source('./protocol/src/index.ts') },
  { find: /^@tidemark\/client$/, replacement: source('./client/src/index.ts') },
  { find: /^@tidemark\/client\/node$/, replacement: source('./client/src/node/index.ts') },
  { find: /^@tidemark\/client\/indexeddb$/, replacement: source('./client/src/store/indexeddb/index.ts') },
  { find: /^@tidemark\/client\/react$/, replacement: source('./client/src/react/index.ts') },
  { find: /^@tidemark\/client\/key-value$/, replacement: source('./client/src/store/key-value/index.ts') },
  { find: /^@tidemark\/relay$/, replacement: source('./relay/src/index.ts') },
]

export default defineConfig({
  resolve: { alias: sourceAliases },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/faults/**', '**/node_modules/**'],
    // Tests of real processes, browsers and lines wait more than they work.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['protocol/src/**', 'client/src/**', 'relay/src/**'],
    },
  },
})

// How the tests run: from the sources, unbuilt, by the names under which the packages are published.
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

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

/** Minutes, which at the end would run on alone. The others come by their size. */
const SLOWEST = ['simulation/simulation.test.ts', 'browser/demo.test.ts', 'browser/interruptions.test.ts']

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files)
    const slowest = SLOWEST.flatMap((name) => others.filter(({ moduleId }) => moduleId.endsWith(`/test/${name}`)))
    return [...new Set([...slowest, ...others])]
  }
}

export default defineConfig({
  resolve: { alias: sourceAliases },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/faults/**', '**/node_modules/**'],
    // Tests of real processes, browsers and lines wait more than they work.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: SlowestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['protocol/src/**', 'client/src/**', 'relay/src/**'],
    },
  },
})

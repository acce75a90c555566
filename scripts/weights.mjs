// What an app loads of the client, weighed from the packed packages: minified, gzipped, without Yjs and lib0, which are the app's
// own. Fails where an app has become heavier than it may be. docs/decisions/0019-bundle.md has what the weight is made of.
import { gzipSync } from 'node:zlib'
import { buildSync } from 'esbuild'

/** `gzipBytesMax`: three in a hundred above what it weighed when that was last looked at. */
const apps = [
  {
    name: 'documents in memory',
    code: "export { memoryStore, Tidemark } from '@tidemark/client'",
    gzipBytesMax: 48_900,
  },
  {
    name: 'a page: IndexedDB, shared by tabs',
    code: "export { Tidemark } from '@tidemark/client'\nexport { indexedDbStore } from '@tidemark/client/indexeddb'",
    gzipBytesMax: 55_650,
  },
  {
    name: 'a page with encryption',
    code: "export { keyRing, newKey, Tidemark } from '@tidemark/client'\nexport { indexedDbStore } from '@tidemark/client/indexeddb'",
    gzipBytesMax: 62_000,
  },
  {
    name: 'everything that a page can import',
    code: "export * from '@tidemark/client'\nexport * from '@tidemark/client/indexeddb'",
    gzipBytesMax: 68_200,
  },
]

/** @throws Error naming what has become too heavy */
export function weighApps(resolveDir, say) {
  for (const { name, code, gzipBytesMax } of apps) {
    const bytes = bundled(code, resolveDir)
    const gzipBytes = gzipSync(bytes, { level: 9 }).length
    say(`${name}: ${bytes.length} bytes minified, ${gzipBytes} gzipped, of ${gzipBytesMax} at most`)
    if (gzipBytes > gzipBytesMax)
      throw new Error(`${name} has become heavier than docs/decisions/0019-bundle.md has it`)
  }
}

function bundled(contents, resolveDir) {
  const result = buildSync({
    stdin: { contents, resolveDir },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    // What browsers of today take as it is: for older ones private fields become WeakMaps, an eighth more.
    target: 'es2022',
    external: ['yjs', 'lib0', 'lib0/*'],
  })
  return result.outputFiles[0].contents
}

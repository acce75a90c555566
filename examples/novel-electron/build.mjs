// Builds the desktop app into dist/: the main process, the preload script, and the page, which is that of examples/novel-web.
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { build as buildPage } from 'vite'

const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const page = dirname(fileURLToPath(import.meta.resolve('@tidemark/novel-web/package.json')))

const common = { bundle: true, platform: 'node', external: ['electron'], sourcemap: 'linked', logLevel: 'warning' }

rmSync(path('dist'), { recursive: true, force: true })
await Promise.all([
  build({ ...common, entryPoints: [path('src/main.ts')], outfile: path('dist/main.js'), format: 'esm' }),
  // A sandboxed preload script is CommonJS, in one file.
  build({ ...common, entryPoints: [path('src/preload.ts')], outfile: path('dist/preload.cjs'), format: 'cjs' }),
  buildPage({ root: page, build: { outDir: path('dist/page'), emptyOutDir: true }, logLevel: 'warn' }),
])

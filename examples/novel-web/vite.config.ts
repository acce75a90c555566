// Builds the page and its service worker, which is told the files of the build: it keeps them for when there is no network.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const WORKER = 'service-worker.js'

export default defineConfig({
  // Works under any address, also that of the desktop app.
  base: './',
  build: {
    target: 'es2022',
    // Everything is a file of its own, as the page's security policy wants it.
    assetsInlineLimit: 0,
    // Loaded once: the service worker keeps it.
    chunkSizeWarningLimit: 1_000,
    rollupOptions: {
      input: [path('index.html'), path('src/worker/service-worker.ts')],
      // Browsers look for a newer worker under the name that they know.
      output: { entryFileNames: ({ name }) => (name === 'service-worker' ? WORKER : 'assets/[name]-[hash].js') },
    },
  },
  plugins: [filesOfBuild()],
})

function filesOfBuild(): Plugin {
  return {
    name: 'files-of-build',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const hash = createHash('sha256')
        const files = readdirSync(path('public'))
        for (const file of files) hash.update(readFileSync(path(`public/${file}`)))
        for (const [name, file] of Object.entries(bundle)) {
          hash.update(file.type === 'chunk' ? file.code : file.source)
          if (name !== WORKER && name !== 'index.html') files.push(name)
        }
        const worker = bundle[WORKER]
        if (worker?.type !== 'chunk') throw new Error(`${WORKER} is missing in the build`)
        worker.code = worker.code
          .replace('__FILES__', JSON.stringify(files.sort()))
          .replace('__BUILD__', JSON.stringify(hash.digest('hex').slice(0, 16)))
      },
    },
  }
}

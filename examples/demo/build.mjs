// Builds the demo into dist/: the page as static files, and its server for Node.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { buildDocuments } from './build-documents.mjs'

const source = fileURLToPath(new URL('src/', import.meta.url))
const output = fileURLToPath(new URL('dist/', import.meta.url))

/** Bundles the page into `directory`. `alias`: other places for packages, as esbuild takes them. */
export async function buildPage(directory, alias = {}) {
  mkdirSync(directory, { recursive: true })
  await build({
    entryPoints: [join(source, 'page', 'main.ts'), join(source, 'page', 'page.css')],
    outdir: directory,
    bundle: true,
    minify: true,
    sourcemap: 'linked',
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    alias,
    logLevel: 'warning',
  })
  for (const file of ['index.html', 'icon.svg']) copyFileSync(join(source, 'page', file), join(directory, file))
  buildDocuments(directory)
}

async function buildServer() {
  await build({
    entryPoints: [join(source, 'server', 'main.ts')],
    outfile: join(output, 'server.mjs'),
    bundle: true,
    packages: 'external',
    sourcemap: 'linked',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  rmSync(output, { recursive: true, force: true })
  await Promise.all([buildPage(join(output, 'page')), buildServer()])
}

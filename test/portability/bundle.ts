// A program of the SDK as one script without modules, as little is assumed of what runs it.
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export function bundle(program: string, target: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [at(program)],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    target,
    alias: {
      '@tidemark/client': at('../../client/src/index.ts'),
      '@tidemark/protocol': at('../../protocol/src/index.ts'),
    },
    logLevel: 'error',
  })
  const [script] = outputFiles
  if (script === undefined) throw new Error('esbuild wrote nothing')
  return script.text
}

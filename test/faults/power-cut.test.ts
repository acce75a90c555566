// A hundred power cuts under a relay, and the control: the same cuts under a relay that does not flush lose entries.
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { afterAll, expect } from 'vitest'
import { cutPower } from '../support/power-cut/power-cuts.ts'
import { missingForRecordedDisk } from '../support/power-cut/recorded-disk.ts'
import { itRequiring } from '../support/requirement.ts'

const repository = join(import.meta.dirname, '../..')
/** Within the repository, so that the program finds its packages. */
const programs = join(repository, 'node_modules/.cache/tidemark-tests', `unflushed-${process.pid}`)
const itOnARecordedDisk = itRequiring(missingForRecordedDisk())

afterAll(() => rmSync(programs, { recursive: true, force: true }))

itOnARecordedDisk('100 power cuts under a relay lose nothing that was acknowledged, and tear no log', async () => {
  const report = await cutPower({ images: 100, loadMs: 8_000, seed: 2 })
  process.stdout.write(`flushed: ${JSON.stringify(report)}\n`)
  expect(report).toMatchObject({ images: 100, entriesLost: 0, broken: [] })
  expect(report.acknowledged).toBeGreaterThan(500)
  expect(report.imagesLackingSectors).toBeGreaterThan(20)
})

itOnARecordedDisk('power cuts under a relay that does not flush lose what was acknowledged', async () => {
  const report = await cutPower({
    images: 12,
    loadMs: 3_000,
    seed: 3,
    program: await unflushedRelay(),
    writeBackEveryMs: 300,
  })
  const { broken, ...figures } = report
  process.stdout.write(`not flushed: ${JSON.stringify({ ...figures, broken: broken.length })}\n`)
  expect(report.acknowledged).toBeGreaterThan(50)
  expect(report.entriesLost).toBeGreaterThan(50)
})

/** The command of the relay, with flushes taken away from LMDB. */
async function unflushedRelay(): Promise<string> {
  // Where the command looks for its version.
  cpSync(join(repository, 'relay/package.json'), join(programs, 'package.json'))
  const program = join(programs, 'dist/unflushed-relay.mjs')
  await build({
    entryPoints: [join(repository, 'relay/src/command.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['commander', 'jose', 'pino', 'ws'],
    alias: { '@tidemark/protocol': join(repository, 'protocol/src/index.ts') },
    plugins: [withoutFlushes],
  })
  return program
}

const withoutFlushes: Plugin = {
  name: 'without flushes',
  setup(bundle) {
    const replacement = join(import.meta.dirname, 'programs/unflushed-lmdb.ts')
    bundle.onResolve({ filter: /^lmdb$/ }, ({ importer }) => {
      return importer === replacement ? { path: 'lmdb', external: true } : { path: replacement }
    })
  },
}

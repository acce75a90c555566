// `npm run check`: everything that must hold before a change lands. Stops at the first step that fails; the last
// line is `N passed, N failed`, counting each test and each other step once.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './prepare.mjs'

const count = { passed: 0, failed: 0, skipped: 0 }

/** Programs by the file that Node runs, so that no step depends on what else is on the PATH. */
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')
const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint')
const knip = join(root, 'node_modules', 'knip', 'bin', 'knip.js')

step('build from clean', [join(root, 'scripts', 'build.mjs'), '--clean'])
step('types of the tests', [tsc, '-p', join(root, 'test'), '--noEmit'])
for (const example of examplesWithTypes()) step(`types of ${example}`, [tsc, '-p', join(root, example), '--noEmit'])
step('style and layers (biome)', [biome, 'check', '--error-on-warnings'])
step('promises (oxlint)', [oxlint, '--type-aware', '--deny-warnings'])
step('unused code (knip)', [knip, '--no-progress', '--treat-config-hints-as-errors'])
step('packages', [join(root, 'scripts', 'packages.mjs')])
tests()
finish()

/** Runs one step under Node and counts it; a failure ends the check. */
function step(name, args) {
  announce(name)
  if (node(args)) count.passed += 1
  else {
    count.failed += 1
    finish()
  }
}

function tests() {
  announce('tests')
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-check-'))
  const report = join(directory, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const succeeded = node([join(root, 'scripts', 'test.mjs'), ...reporters])
  const failedBefore = count.failed
  if (existsSync(report)) addReport(JSON.parse(readFileSync(report, 'utf8')))
  rmSync(directory, { recursive: true, force: true })
  // A run may fail without a failed test: an unhandled error, a crash before the report.
  if (!succeeded && count.failed === failedBefore) count.failed += 1
}

function addReport(report) {
  count.passed += report.numPassedTests
  count.failed += report.numFailedTests
  count.skipped += report.numPendingTests + report.numTodoTests
  // A file that cannot be loaded has no tests to count, but has failed.
  count.failed += report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length
}

function finish() {
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
  process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`)
  process.exit(count.failed > 0 ? 1 : 0)
}

function announce(name) {
  process.stdout.write(`\n== ${name}\n`)
}

function node(args) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (result.error) throw result.error
  return result.status === 0
}

function examplesWithTypes() {
  const directory = join(root, 'examples')
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .map((name) => join('examples', name))
    .filter((example) => existsSync(join(root, example, 'tsconfig.json')))
    .sort()
}

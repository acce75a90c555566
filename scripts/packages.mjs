// Checks the packages as a user gets them: packs each, lints the tarballs, then installs them beside a small consumer
// that must compile under the TypeScript users have and load in Node, and weighs what a page loads of them. The code of the
// documentation must compile too, each block on its own. Needs a clean build.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeCodeBlocks } from './code-blocks.mjs'
import { packages, root } from './prepare.mjs'
import { weighApps } from './weights.mjs'

// Inside node_modules, so that dependencies of the packed packages are found by walking up.
const workshop = join(root, 'node_modules', '.tidemark-packages')
const consumer = join(root, 'test', 'packages')
const publint = join(root, 'node_modules', 'publint', 'src', 'cli.js')
const attw = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js')
const tscOfUsers = join(consumer, 'node_modules', 'typescript', 'bin', 'tsc')

rmSync(workshop, { recursive: true, force: true })
mkdirSync(workshop, { recursive: true })
for (const name of packages) checkTarball(name)
for (const file of readdirSync(consumer)) {
  if (/^(consumer|tsconfig)/.test(file)) copyFileSync(join(consumer, file), join(workshop, file))
}
writeCodeBlocks(join(workshop, 'blocks'))
for (const project of ['tsconfig.browser.json', 'tsconfig.node.json']) {
  say(`types for a user with TypeScript 5.9, and the code of the documentation (${project})`)
  run(process.execPath, [tscOfUsers, '-p', join(workshop, project)])
}
say('loading the packed packages')
run(process.execPath, [join(workshop, 'consumer-load.mjs')])
run(process.execPath, [join(installed('relay'), 'bin', 'tidemark.mjs'), '--help'], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
runReadme()
weighApps(workshop, say)

function checkTarball(name) {
  say(`@tidemark/${name}`)
  const directory = join(root, name)
  const packed = run('npm', ['pack', '--silent', '--pack-destination', workshop], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  })
  const tarball = join(workshop, packed.stdout.trim().split('\n').at(-1))
  quietly(process.execPath, [publint, 'run', tarball, '--strict'])
  quietly(process.execPath, [attw, tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii'])
  mkdirSync(installed(name), { recursive: true })
  run('tar', ['-xzf', tarball, '-C', installed(name), '--strip-components', '1'])
}

function installed(name) {
  return join(workshop, 'node_modules', '@tidemark', name)
}

/** The JavaScript of the README must run as it stands and print what its comments say. */
function runReadme() {
  say('the code of the README')
  const code = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1]
  if (code === undefined) throw new Error('README.md has no js block')
  writeFileSync(join(workshop, 'readme.mjs'), code)
  const expected = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, line]) => line)
  const ran = run(process.execPath, ['readme.mjs'], { cwd: workshop, stdio: ['ignore', 'pipe', 'inherit'] })
  const printed = ran.stdout.split('\n')
  for (const line of expected) {
    if (!printed.some((text) => text.trim() === line)) throw new Error(`the README's code did not print: ${line}`)
  }
}

function run(command, args, options = {}) {
  const defaults = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'inherit', 'inherit'] }
  const result = spawnSync(command, args, { ...defaults, ...options })
  if (result.error) throw result.error
  if (result.status === 0) return result
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}failed: ${[command, ...args].join(' ')}\n`)
  process.exit(1)
}

/** Shows what a program printed only if it failed. */
function quietly(command, args) {
  run(command, args, { stdio: 'pipe' })
}

function say(text) {
  process.stdout.write(`-- ${text}\n`)
}

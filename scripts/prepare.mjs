// Makes a checkout ready to run: the right Node, dependencies installed, everything built. Without dependencies of
// its own, since it runs before any is installed. Does and prints nothing when nothing has changed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** The workspaces that are published, in the order in which they build. */
export const packages = ['protocol', 'client', 'relay']

const NODE_MINIMUM = [20, 19]
const INSTALL_STAMP = join(root, 'node_modules', '.tidemark-install')

/**
 * Installs what has changed since the last time, and builds the packages and `wanted`, by default all examples, where anything
 * has. Ends the process with a message if a step fails.
 */
export function prepare({ wanted = examples() } = {}) {
  requireNode()
  installIfChanged()
  const fingerprint = buildFingerprint()
  buildIfChanged('packages', fingerprint, packageFolders(), compile)
  for (const example of wanted.filter(isBuilt)) {
    const name = toName(example)
    buildIfChanged(name, fingerprint, [example], () => {
      npm(`Building ${name}`, ['run', '--silent', 'build', '-w', name])
    })
  }
}

/** Builds everything; `clean` first removes all outputs, since `tsc -b` leaves those of deleted sources behind. */
export function build({ clean = false } = {}) {
  for (const name of ['packages', ...examples().map(toName)]) rmSync(buildStamp(name), { force: true })
  if (clean) {
    for (const folder of [...packageFolders(), ...examples()])
      rmSync(outputOf(folder), { recursive: true, force: true })
  }
  prepare()
}

function buildIfChanged(name, fingerprint, folders, make) {
  const stamp = buildStamp(name)
  if (readStamp(stamp) === fingerprint && folders.every((folder) => existsSync(outputOf(folder)))) return
  rmSync(stamp, { force: true })
  make()
  writeFileSync(stamp, fingerprint)
}

function compile() {
  run('Compiling', process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'])
}

/** Runs npm, saying `purpose` first; ends the process if it fails. */
function npm(purpose, args) {
  const cli = process.env.npm_execpath
  if (cli !== undefined && /\.[cm]?js$/.test(cli)) run(purpose, process.execPath, [cli, ...args])
  else run(purpose, 'npm', args, { shell: process.platform === 'win32' })
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [majorMinimum, minorMinimum] = NODE_MINIMUM
  if (major > majorMinimum || (major === majorMinimum && minor >= minorMinimum)) return
  fail(
    `Tidemark needs Node ${NODE_MINIMUM.join('.')} or later; this is ${process.versions.node}. See https://nodejs.org.`,
  )
}

function installIfChanged() {
  if (readStamp(INSTALL_STAMP) === installFingerprint()) return
  npm('Installing dependencies (npm install)', ['install', '--no-audit', '--no-fund', '--loglevel=error'])
  // Taken afterwards: npm may have completed the lockfile.
  writeFileSync(INSTALL_STAMP, installFingerprint())
}

function installFingerprint() {
  const manifests = [root, ...packageFolders(), ...examples()]
  const files = [join(root, 'package-lock.json'), ...manifests.map((directory) => join(directory, 'package.json'))]
  return fingerprintOf(files.filter(existsSync), `${process.platform} ${process.arch}`)
}

function buildFingerprint() {
  const sources = packages.flatMap((name) => filesUnder(join(root, name, 'src')))
  const configurations = [root, ...packageFolders()].flatMap(configurationFilesIn)
  // The demo shows these as pages.
  const texts = [join(root, 'README.md'), ...filesUnder(join(root, 'docs'))]
  return fingerprintOf(
    [...sources, ...configurations, ...texts, ...examples().flatMap(filesUnder)],
    installFingerprint(),
  )
}

function configurationFilesIn(directory) {
  return readdirSync(directory)
    .filter((name) => /^tsconfig.*\.json$/.test(name))
    .map((name) => join(directory, name))
}

/** All files of a folder in a stable order, without outputs and dependencies. */
function filesUnder(directory) {
  if (!existsSync(directory)) return []
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name === 'data') return []
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return filesUnder(path)
    return entry.isFile() ? [path] : []
  })
}

function fingerprintOf(files, salt) {
  const hash = createHash('sha256').update(salt)
  for (const file of files) {
    const bytes = readFileSync(file)
    hash.update(`\0${relative(root, file)}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

function examples() {
  const directory = join(root, 'examples')
  if (!existsSync(directory)) return []
  const entries = readdirSync(directory).map((name) => join(directory, name))
  return entries.filter((path) => existsSync(join(path, 'package.json'))).sort()
}

function packageFolders() {
  return packages.map((name) => join(root, name))
}

function isBuilt(example) {
  return readJson(join(example, 'package.json')).scripts?.build !== undefined
}

function outputOf(folder) {
  return join(folder, 'dist')
}

function buildStamp(name) {
  return join(root, 'node_modules', `.tidemark-build-${name.replaceAll('/', '-')}`)
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** A folder as npm names a workspace, with forward slashes on every platform. */
function toName(directory) {
  return relative(root, directory).split(sep).join('/')
}

function run(purpose, command, args, options = {}) {
  process.stderr.write(`${purpose}…\n`)
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', process.stderr, process.stderr], ...options })
  if (result.error) fail(`${purpose} failed: ${result.error.message}`)
  if (result.status !== 0) fail(`${purpose} failed (${result.signal ?? `exit code ${result.status}`}).`)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

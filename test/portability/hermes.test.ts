// The SDK's core compiled by the toolchain of React Native, and run on its engine: Hermes as a command-line VM, without React
// Native around it. 0.12 is older than what React Native has today, so that what it takes, a phone takes.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { itRequiring } from '../support/requirement.ts'
import { bundle } from './bundle.ts'
import { LINES } from './lines.ts'

const HOME = fileURLToPath(new URL('./hermes/', import.meta.url))
const BINARIES: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'osx-bin',
  linux: 'linux64-bin',
  win32: 'win64-bin',
}
const binaries = join(HOME, 'node_modules', 'hermes-engine-cli', BINARIES[process.platform] ?? 'none')

function missing(): string | null {
  return existsSync(binaries) ? null : 'Hermes is not installed: npm install --prefix test/portability/hermes'
}

/** As Metro does it for a release build. */
function lowered(script: string): string {
  const babel = createRequire(join(HOME, 'package.json'))('@babel/core') as {
    transformSync(code: string, options: object): { code: string } | null
  }
  const preset = ['@react-native/babel-preset', { enableBabelRuntime: false }]
  const options = {
    cwd: HOME,
    presets: [preset],
    babelrc: false,
    configFile: false,
    compact: true,
    filename: 'program.js',
  }
  const result = babel.transformSync(script, options)
  if (result === null) throw new Error('babel made nothing')
  return result.code
}

itRequiring(missing())(
  'two devices meet on Hermes',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-hermes-'))
    const [source, bytecode] = [join(directory, 'program.js'), join(directory, 'program.hbc')]
    const globals = readFileSync(new URL('./hermes-globals.js', import.meta.url), 'utf8')
    writeFileSync(source, lowered(`${globals}\n${bundle('./hermes-program.ts', 'es2017')}`))
    execFileSync(join(binaries, 'hermesc'), ['-O', '-emit-binary', '-out', bytecode, source], { stdio: 'ignore' })
    // As React Native has it by now: otherwise promises would wait between timers for their turn.
    const flags = ['-Xmicrotask-queue', bytecode]
    const said = execFileSync(join(binaries, 'hermes'), flags, { encoding: 'utf8', timeout: 60_000 })
    expect(said.trim().split('\n')).toEqual(LINES)
    rmSync(directory, { recursive: true })
  },
  120_000,
)

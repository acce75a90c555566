#!/usr/bin/env node
// The `tidemark` command. Tracked as plain JavaScript so that npm links it before the first build.
import { existsSync } from 'node:fs'

const command = new URL('../dist/command.js', import.meta.url)

if (existsSync(command)) {
  await import(command.href)
} else {
  process.stderr.write('tidemark: not built yet. Run `npm run build` in the repository first.\n')
  process.exitCode = 1
}

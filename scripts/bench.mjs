// `npm run bench [-- name…]`: makes the checkout ready, then runs the named measurements of bench/, or all of them.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, root } from './prepare.mjs'

prepare()
const directory = join(root, 'bench')
const [names, options] = splitArguments(process.argv.slice(2))
const known = readdirSync(directory, { withFileTypes: true }).flatMap(toName).sort()
for (const name of names) {
  if (known.includes(name)) continue
  process.stderr.write(`No measurement ${name}; there are: ${known.join(', ')}.\n`)
  process.exit(1)
}
for (const name of names.length > 0 ? names : known) {
  process.stdout.write(`== ${name}\n`)
  const result = spawnSync(process.execPath, [toFile(name), ...options], { cwd: root, stdio: 'inherit' })
  if (result.error) throw result.error
  if (result.status !== 0) process.exit(result.status ?? 1)
}

/** Names come before the first option; options go to each measurement. */
function splitArguments(args) {
  const at = args.findIndex((argument) => argument.startsWith('-'))
  return at === -1 ? [args, []] : [args.slice(0, at), args.slice(at)]
}

/** A measurement is bench/name.mjs, or bench/name/main.mjs where it needs several files. */
function toName(entry) {
  if (entry.isDirectory()) return existsSync(join(directory, entry.name, 'main.mjs')) ? [entry.name] : []
  return entry.name.endsWith('.mjs') ? [entry.name.slice(0, -'.mjs'.length)] : []
}

function toFile(name) {
  const single = join(directory, `${name}.mjs`)
  return existsSync(single) ? single : join(directory, name, 'main.mjs')
}

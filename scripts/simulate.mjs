// `npm run simulate -- --seeds N --from S --until MINUTES`: the simulation with seeds of one's own, for as long as one
// likes: with `--until` it ends after so many minutes, whatever is left. Says every hundred seeds how far it is. Several
// of them may run at once, with seeds that differ. A seed that fails prints its trace. Without arguments it runs the
// seeds, and the regressions, of the checks.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepare, root } from './prepare.mjs'

/** What the tests read, by option. */
const VARIABLES = { seeds: 'SIMULATION_SEEDS', from: 'SIMULATION_FROM', until: 'SIMULATION_MINUTES' }

const options = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, { type: 'string' }]))
const { values } = parseArgs({ options })
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9]\d{0,8}$/.test(value)) {
    console.error(`--${name} must be a whole number above 0`)
    process.exit(2)
  }
}

prepare()
const env = { ...process.env }
// Without a number of seeds or minutes, from some seed on there is one.
if (values.from !== undefined && values.seeds === undefined && values.until === undefined) values.seeds = '1'
for (const [name, value] of Object.entries(values)) env[VARIABLES[name]] = value
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const only = Object.keys(values).length === 0 ? 'test/simulation' : 'test/simulation/simulation.test.ts'
const result = spawnSync(process.execPath, [vitest, 'run', only], { cwd: root, stdio: 'inherit', env })
if (result.error) throw result.error
process.exitCode = result.status ?? 1

// `npm run simulate -- --seeds N --from S`: the simulation with seeds of one's own. Without arguments it runs those of
// the checks. A seed that fails prints its trace.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepare, root } from './prepare.mjs'

const { values } = parseArgs({ options: { seeds: { type: 'string' }, from: { type: 'string' } } })
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9]\d{0,8}$/.test(value)) {
    console.error(`--${name} must be a whole number above 0`)
    process.exit(2)
  }
}

prepare()
const env = { ...process.env }
if (values.seeds !== undefined) env.SIMULATION_SEEDS = values.seeds
if (values.from !== undefined) env.SIMULATION_FROM = values.from
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const only =
  values.seeds === undefined && values.from === undefined ? 'test/simulation' : 'test/simulation/simulation.test.ts'
const result = spawnSync(process.execPath, [vitest, 'run', only], { cwd: root, stdio: 'inherit', env })
if (result.error) throw result.error
process.exitCode = result.status ?? 1

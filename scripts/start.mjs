// `npm start`: makes the checkout ready, then serves the demo page with a relay of its own, in this very process, so
// that signals and the exit code are the server's.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

const demo = join(root, 'examples', 'demo')
prepare({ wanted: [demo] })
process.chdir(root)
const { scripts } = JSON.parse(readFileSync(join(demo, 'package.json'), 'utf8'))
const [, file] = /^node (\S+)$/.exec(scripts?.start ?? '') ?? []
if (file === undefined) throw new Error('the start script of examples/demo is not of the form `node FILE`')
process.argv[1] = join(demo, file)
await import(pathToFileURL(process.argv[1]).href)

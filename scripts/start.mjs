// `npm start`: makes the checkout ready, then serves the demo page with a relay of its own, in this very process, so
// that signals and the exit code are the server's.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

prepare()
process.chdir(root)
const server = join(root, 'examples', 'demo', 'server.mjs')
process.argv[1] = server
await import(pathToFileURL(server).href)

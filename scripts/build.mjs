// `npm run build`: installs what is missing and builds everything; `--clean` removes old outputs first.
import { build } from './prepare.mjs'

build({ clean: process.argv.includes('--clean') })

// The main process. Everything is in desktop.ts, which is given Electron: so the tests can give it a stand-in.
import * as electron from 'electron'
import { startDesktop } from './desktop.ts'

// Not awaited: Electron is ready only when this module has been run, so that would be for ever.
startDesktop(electron).catch((error: unknown) => {
  console.error(error)
  electron.app.exit(1)
})

// The desktop app: one process, one window, and the page under an origin that never changes. Knows nothing of the novel, which is
// the page's: Tidemark and its store are there, in the renderer.
import { join } from 'node:path'
import type { BrowserWindow } from 'electron'
import { type Quitting, waitForPage } from './closing.ts'
import { pageFiles } from './page-files.ts'

export type Electron = Pick<typeof import('electron'), 'app' | 'BrowserWindow' | 'dialog' | 'net' | 'protocol'>

const SCHEME = 'app'
const PAGE_URL = `${SCHEME}://novel/index.html`

export async function startDesktop(electron: Electron): Promise<void> {
  const { app, net, protocol } = electron
  // A second one would find the store taken. It hands over to the first instead.
  if (!app.requestSingleInstanceLock()) {
    app.quit()
    return
  }
  // As a website under https: with storage, locks and modules. Before the app is ready, or never.
  protocol.registerSchemesAsPrivileged([
    { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
  const quitting: Quitting = { isUnderWay: false }
  app.on('before-quit', () => {
    quitting.isUnderWay = true
  })
  app.on('window-all-closed', () => app.quit())
  await app.whenReady()
  protocol.handle(
    SCHEME,
    pageFiles(join(app.getAppPath(), 'dist', 'page'), (url) => net.fetch(url)),
  )
  const window = createWindow(electron, quitting)
  app.on('second-instance', () => {
    if (window.isMinimized()) window.restore()
    window.focus()
  })
  await window.loadURL(PAGE_URL)
}

function createWindow(electron: Electron, quitting: Quitting): BrowserWindow {
  const preload = join(electron.app.getAppPath(), 'dist', 'preload.cjs')
  const window = new electron.BrowserWindow({
    width: 1200,
    height: 800,
    webPreferences: { preload, contextIsolation: true, nodeIntegration: false, sandbox: true },
  })
  // Nothing from elsewhere is ever shown in this window, beside the preload script.
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }))
  window.webContents.on('will-navigate', (event) => {
    if (!event.url.startsWith(`${SCHEME}://novel/`)) event.preventDefault()
  })
  waitForPage(electron, window, quitting)
  return window
}

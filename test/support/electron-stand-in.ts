// What the main process of examples/novel-electron sees of Electron, without Electron: its windows, its quitting and its IPC
// as they are documented. Knows no browser; a test may connect one to a window's messages.
/// <reference path="../../examples/novel-electron/src/electron.d.ts" />
import { EventEmitter } from 'node:events'
import type { Electron } from '../../examples/novel-electron/src/desktop.ts'
import { fileResponse } from './page-server.ts'

type PageRequest = (request: { readonly url: string }) => Promise<Response>

/** As far as a handler asks. */
class Preventable {
  isPrevented = false

  preventDefault(): void {
    this.isPrevented = true
  }
}

class StandInContents extends EventEmitter {
  /** What the page says. */
  readonly ipc: EventEmitter = new EventEmitter()
  readonly sent: string[] = []
  reloads = 0

  send(channel: string): void {
    this.sent.push(channel)
    this.emit('sent to the page', channel)
  }

  reload(): void {
    this.reloads += 1
  }

  setWindowOpenHandler(handler: (details: { url: string }) => { action: 'deny' }): void {
    if (handler({ url: 'https://elsewhere.example' }).action !== 'deny') throw new Error('opens windows')
  }

  /** @returns whether the page may go there */
  navigate(url: string): boolean {
    const event = Object.assign(new Preventable(), { url })
    this.emit('will-navigate', event)
    return !event.isPrevented
  }
}

export class StandInWindow extends EventEmitter {
  readonly webContents: StandInContents = new StandInContents()
  readonly options: Readonly<Record<string, unknown>>
  readonly #app: StandInApp
  url = ''
  focuses = 0
  #isDestroyed = false

  constructor(options: Readonly<Record<string, unknown>>, app: StandInApp) {
    super()
    this.options = options
    this.#app = app
    app.windows.add(this)
  }

  async loadURL(url: string): Promise<void> {
    this.url = url
  }

  close(): void {
    const event = new Preventable()
    this.emit('close', event)
    if (event.isPrevented) return
    this.#isDestroyed = true
    this.#app.windows.delete(this)
    if (this.#app.windows.size === 0) this.#app.emit('window-all-closed')
  }

  isDestroyed(): boolean {
    return this.#isDestroyed
  }

  isMinimized(): boolean {
    return false
  }

  restore(): void {}

  focus(): void {
    this.focuses += 1
  }
}

class StandInApp extends EventEmitter {
  readonly windows: Set<StandInWindow> = new Set()
  readonly #path: string
  readonly #isFirst: boolean
  hasQuit = false
  exitCode: number | null = null

  constructor(path: string, isFirst: boolean) {
    super()
    this.#path = path
    this.#isFirst = isFirst
  }

  requestSingleInstanceLock(): boolean {
    return this.#isFirst
  }

  async whenReady(): Promise<void> {}

  getAppPath(): string {
    return this.#path
  }

  /** A window that holds itself back calls it off. */
  quit(): void {
    if (this.hasQuit) return
    this.emit('before-quit')
    for (const window of [...this.windows]) {
      window.close()
      if (!window.isDestroyed()) return
    }
    this.hasQuit = true
  }

  exit(code: number): void {
    this.exitCode = code
    this.hasQuit = true
  }
}

export class ElectronStandIn {
  readonly app: StandInApp
  readonly electron: Electron
  readonly schemes: string[] = []
  /** What the writer was asked. */
  readonly questions: string[] = []
  /** Which button the writer presses; the first one keeps everything as it is. */
  response: 0 | 1 = 0
  answerPage: PageRequest | null = null

  constructor(path: string, isFirst = true) {
    const app = new StandInApp(path, isFirst)
    this.app = app
    this.electron = {
      app,
      BrowserWindow: class extends StandInWindow {
        constructor(options: ConstructorParameters<Electron['BrowserWindow']>[0]) {
          super({ ...options }, app)
        }
      },
      dialog: {
        showMessageBox: async (_window, { detail }) => {
          this.questions.push(detail)
          return { response: this.response }
        },
      },
      net: { fetch: fileResponse },
      protocol: {
        registerSchemesAsPrivileged: (schemes) => {
          this.schemes.push(...schemes.map(({ scheme }) => scheme))
        },
        handle: (_scheme, answer) => {
          this.answerPage = answer
        },
      },
    }
  }

  /** The only one. */
  get window(): StandInWindow {
    const [window] = this.app.windows
    if (window === undefined) throw new Error('There is no window')
    return window
  }

  /** As the page is answered. @throws before the app is ready */
  request(url: string): Promise<Response> {
    if (this.answerPage === null) throw new Error('Nothing answers the page yet')
    return this.answerPage({ url })
  }
}

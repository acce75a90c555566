// The part of Electron that this example uses, since its package wants a newer Node than the checks run on. Delete this file
// where `electron` is installed: it brings all types.
declare module 'electron' {
  interface CloseEvent {
    preventDefault(): void
  }
  interface IpcListening {
    on(channel: string, listener: (event: object, ...values: unknown[]) => void): unknown
  }
  interface WebContents {
    readonly ipc: IpcListening
    send(channel: string): void
    reload(): void
    setWindowOpenHandler(handler: (details: { url: string }) => { action: 'deny' }): void
    on(event: 'will-navigate', listener: (event: CloseEvent & { readonly url: string }) => void): unknown
    on(event: 'render-process-gone', listener: (event: object, details: { readonly reason: string }) => void): unknown
  }
  interface App {
    on(event: 'before-quit' | 'second-instance' | 'window-all-closed', listener: () => void): unknown
    requestSingleInstanceLock(): boolean
    whenReady(): Promise<void>
    getAppPath(): string
    quit(): void
    exit(code: number): void
  }
  class BrowserWindow {
    constructor(options: {
      width: number
      height: number
      webPreferences: { preload: string; contextIsolation: boolean; nodeIntegration: boolean; sandbox: boolean }
    })
    readonly webContents: WebContents
    on(event: 'close', listener: (event: CloseEvent) => void): unknown
    loadURL(url: string): Promise<void>
    close(): void
    isDestroyed(): boolean
    isMinimized(): boolean
    restore(): void
    focus(): void
  }
  interface Dialog {
    showMessageBox(
      window: BrowserWindow,
      options: { message: string; detail: string; buttons: string[]; defaultId: number; cancelId: number },
    ): Promise<{ response: number }>
  }
  interface Protocol {
    registerSchemesAsPrivileged(
      schemes: { scheme: string; privileges: { standard: boolean; secure: boolean; supportFetchAPI: boolean } }[],
    ): void
    handle(scheme: string, answer: (request: { readonly url: string }) => Promise<Response>): void
  }
  const app: App
  const dialog: Dialog
  const net: { fetch(url: string): Promise<Response> }
  const protocol: Protocol
  const contextBridge: { exposeInMainWorld(name: string, api: object): void }
  const ipcRenderer: IpcListening & { send(channel: string, ...values: unknown[]): void }

  export { app, BrowserWindow, contextBridge, dialog, ipcRenderer, net, protocol }
}

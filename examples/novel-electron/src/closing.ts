// Keeps a window open until its page has stored what was typed. A page that cannot, or does not answer, costs the writer a
// question and never the words; one that crashed is loaded again, with all that was stored.
import type { BrowserWindow } from 'electron'
import type { Electron } from './desktop.ts'

/** Whether the app is about to quit: holding a window back calls that off, so it has to be asked for again. */
export interface Quitting {
  isUnderWay: boolean
}

/** The page flushes, then gives the relay two seconds. */
const ANSWER_MS_MAX = 5_000
/** A page that crashes sooner than this is not loaded again unasked: it may do so for ever. */
const CRASH_LOOP_MS = 10_000

export function waitForPage(
  { app, dialog }: Pick<Electron, 'app' | 'dialog'>,
  window: BrowserWindow,
  quitting: Quitting,
): void {
  let mayClose = false
  let isWaiting = false
  let late: NodeJS.Timeout | undefined
  let loadedAt = Date.now()

  const close = (): void => {
    mayClose = true
    if (quitting.isUnderWay) app.quit()
    else if (!window.isDestroyed()) window.close()
  }
  const ask = async (message: string, detail: string, buttons: [string, string]): Promise<boolean> => {
    const { response } = await dialog.showMessageBox(window, { message, detail, buttons, defaultId: 0, cancelId: 0 })
    return response === 1
  }
  /** `problem`: null when everything is stored. Only the first answer counts. */
  const answered = async (problem: string | null): Promise<void> => {
    if (!isWaiting) return
    isWaiting = false
    clearTimeout(late)
    if (problem === null || (await ask('Not everything is saved', problem, ['Keep open', 'Close and lose it']))) close()
    else quitting.isUnderWay = false
  }
  const crashed = async (reason: string): Promise<void> => {
    // What was stored is stored, and nobody is left to store more.
    if (isWaiting) return answered(null)
    if (mayClose || reason === 'clean-exit') return
    const isSoon = Date.now() - loadedAt < CRASH_LOOP_MS
    if (isSoon && (await ask('The window crashed', reason, ['Load it again', 'Close']))) return close()
    loadedAt = Date.now()
    window.webContents.reload()
  }

  window.on('close', (event) => {
    if (mayClose) return
    event.preventDefault()
    if (isWaiting) return
    isWaiting = true
    window.webContents.send('novel:closing')
    late = setTimeout(() => void answered('The window does not answer.'), ANSWER_MS_MAX)
  })
  window.webContents.ipc.on('novel:stored', (_event, problem) => {
    void answered(typeof problem === 'string' ? problem : null)
  })
  window.webContents.on('render-process-gone', (_event, { reason }) => void crashed(reason))
}

// The one thing that the page is given of Electron: to be asked, before its window closes, to store what was typed.
import { contextBridge, ipcRenderer } from 'electron'

contextBridge.exposeInMainWorld('closing', {
  /** `flush` answers what is wrong, or null when everything is stored. */
  waitFor(flush: () => Promise<string | null>): void {
    ipcRenderer.on('novel:closing', () => {
      flush().then(
        (problem) => ipcRenderer.send('novel:stored', problem),
        (error: unknown) => ipcRenderer.send('novel:stored', String(error)),
      )
    })
  },
})

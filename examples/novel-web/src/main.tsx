// Puts the app together: the device, the page, and what outlives both.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { holdUntilStored } from './closing.ts'
import { onConnectionStored, storedConnection } from './connection.ts'
import { openDevice } from './device.ts'
import { keepForOffline } from './offline.ts'

const connection = storedConnection()
const tidemark = openDevice(connection)
holdUntilStored(tidemark)
onConnectionStored(beginAnew)
keepForOffline()

const root = document.getElementById('app')
if (root === null) throw new Error('The page has no element for the app')
createRoot(root).render(
  <StrictMode>
    <App tidemark={tidemark} connection={connection} connected={beginAnew} />
  </StrictMode>,
)

/** Options are those of a Tidemark for good, and all tabs need the same. */
function beginAnew(): void {
  // Where something cannot be stored, the browser asks before it lets the page go.
  void tidemark
    .flush()
    .catch(reportError)
    .finally(() => location.reload())
}

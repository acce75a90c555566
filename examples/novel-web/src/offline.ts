// Has the service worker keep the page, so that it opens without a network. A desktop app has the page on its disk anyway.

const WORKER = 'service-worker.js'

export function keepForOffline(): void {
  // Vite's own server has no worker: it serves sources, each time anew.
  if (!import.meta.env.PROD || !location.protocol.startsWith('http') || !('serviceWorker' in navigator)) return
  // Without it everything works but opening the page offline; it is tried again at the next visit.
  navigator.serviceWorker.register(WORKER).catch(reportError)
}

// Opens the page without a network: keeps the files of one build, and answers with them. Knows nothing of the novel, which is
// in IndexedDB, nor of the relay. A newer build takes over when the app was closed everywhere: a page never gets the files of two.

declare const self: ServiceWorkerGlobalScope

/** Put in by vite.config.ts: the names of all files, and a hash of what is in them. */
declare const __FILES__: readonly string[]
declare const __BUILD__: string

const CACHE_NAME = `novel ${__BUILD__}`
const PAGE = './'

self.addEventListener('install', (event) => {
  event.waitUntil(keepFiles())
})

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOtherBuilds())
})

self.addEventListener('fetch', (event) => {
  const { method, url } = event.request
  if (method === 'GET' && new URL(url).origin === self.location.origin) event.respondWith(answer(event.request))
})

/** All or none: what is half there is not installed, and tried again at the next visit. */
async function keepFiles(): Promise<void> {
  const cache = await caches.open(CACHE_NAME)
  // Not from the browser's own cache, which may have files of the build before.
  await cache.addAll([PAGE, ...__FILES__].map((file) => new Request(file, { cache: 'reload' })))
}

async function dropOtherBuilds(): Promise<void> {
  const others = (await caches.keys()).filter((name) => name.startsWith('novel ') && name !== CACHE_NAME)
  await Promise.all(others.map((name) => caches.delete(name)))
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE_NAME)
  // Many servers say `Vary: Origin`, and the page asks for its script with another origin header than the worker did: it is one file.
  const kept = await cache.match(request.mode === 'navigate' ? PAGE : request, { ignoreVary: true })
  return kept ?? fetch(request)
}

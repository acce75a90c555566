// What the SDK takes from its surroundings, each replaceable: the only file that touches globals.

/** The part of the standard WebSocket that the SDK uses. */
export interface WebSocketLike {
  binaryType: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onerror: ((event: never) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  send(bytes: Uint8Array): void
  close(code?: number, reason?: string): void
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike

export interface FetchResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  arrayBuffer(): Promise<ArrayBuffer>
  /** Where it is a web stream, no more is read than a relay may send. */
  readonly body?: unknown
}

export type Fetch = (
  url: string,
  init: {
    method: string
    headers: Record<string, string>
    body: Uint8Array
    signal: AbortSignalLike
  },
) => Promise<FetchResponse>

/** The part of the standard AbortSignal that the SDK uses. */
export interface AbortSignalLike {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Locks that all tabs of an origin share; one that is closed or crashes gives its locks back. */
export interface Locks {
  /**
   * Resolves, when this tab has the lock, to what gives it back; to null when `signal` was aborted first, or, with `ifFree`, when
   * somebody has it.
   */
  take(
    name: string,
    options: { readonly ifFree?: boolean; readonly signal?: AbortSignalLike },
  ): Promise<(() => void) | null>
}

/** Messages to all others that have opened a channel of the same name, in order; the values are cloned. */
export interface Channel {
  post(message: unknown): void
  onMessage: ((message: unknown) => void) | null
  close(): void
}

/** A timer that can be cancelled. */
export type Timer = unknown

export interface Platform {
  /** Null: the platform has none; the HTTP carrier is used. */
  readonly WebSocket: WebSocketConstructor | null
  /** Null: only the WebSocket carrier is used. */
  readonly fetch: Fetch | null
  /** Milliseconds since 1970. */
  now(): number
  setTimeout(callback: () => void, delayMs: number): Timer
  clearTimeout(timer: Timer): void
  /** 0 to below 1, for jitter; need not be secret. */
  random(): number
  /** From a cryptographic source. */
  randomBytes(length: number): Uint8Array
  /**
   * Calls back whenever the network has come back or the app has become visible: the schedule syncs at once. Gives the
   * function that ends it. Null: the platform says neither.
   */
  readonly onWake: ((wake: () => void) => () => void) | null
  /** Without these two, several tabs cannot share one store. */
  readonly locks: Locks | null
  readonly openChannel: ((name: string) => Channel) | null
}

interface EventSource {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

interface WebLocks {
  request(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignalLike },
    granted: (lock: object | null) => Promise<void>,
  ): Promise<void>
}

interface BroadcastChannelLike {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  postMessage(message: unknown): void
  close(): void
}

interface Globals {
  readonly WebSocket?: WebSocketConstructor
  readonly fetch?: Fetch
  readonly crypto?: { getRandomValues(bytes: Uint8Array): Uint8Array }
  readonly document?: EventSource & { readonly visibilityState: string }
  readonly addEventListener?: EventSource['addEventListener']
  readonly removeEventListener?: EventSource['removeEventListener']
  readonly navigator?: { readonly locks?: WebLocks }
  readonly BroadcastChannel?: new (name: string) => BroadcastChannelLike
  readonly AbortController: new () => { readonly signal: AbortSignalLike; abort(): void }
  setTimeout(callback: () => void, delayMs: number): Timer
  clearTimeout(timer: Timer): void
}

const globals = globalThis as unknown as Globals

/** The platform that the SDK runs on, with `replacements` in place of its parts. */
export function platformOf(replacements: Partial<Platform> = {}): Platform {
  return {
    WebSocket: globals.WebSocket ?? null,
    fetch: globals.fetch === undefined ? null : (url, init) => (globals.fetch as Fetch)(url, init),
    now: () => Date.now(),
    setTimeout: (callback, delayMs) => globals.setTimeout(callback, delayMs),
    clearTimeout: (timer) => globals.clearTimeout(timer),
    random: () => Math.random(),
    randomBytes: (length) => {
      if (globals.crypto === undefined) throw new Error('platform.randomBytes is needed: there is no global crypto')
      return globals.crypto.getRandomValues(new Uint8Array(length))
    },
    onWake: globals.addEventListener === undefined ? null : onWakeOfPage,
    locks: globals.navigator?.locks === undefined ? null : locksOf(globals.navigator.locks),
    openChannel: globals.BroadcastChannel === undefined ? null : openBroadcastChannel,
    ...replacements,
  }
}

/** In a worker there is no document, and only the network counts. */
function onWakeOfPage(wake: () => void): () => void {
  const { document } = globals
  const onVisible = (): void => {
    if (document?.visibilityState === 'visible') wake()
  }
  globals.addEventListener?.('online', wake)
  document?.addEventListener('visibilitychange', onVisible)
  return () => {
    globals.removeEventListener?.('online', wake)
    document?.removeEventListener('visibilitychange', onVisible)
  }
}

function locksOf(webLocks: WebLocks): Locks {
  return { take: (name, options) => takeLock(webLocks, name, options) }
}

async function takeLock(
  webLocks: WebLocks,
  name: string,
  { ifFree, signal }: Parameters<Locks['take']>[1],
): ReturnType<Locks['take']> {
  let answered: (release: (() => void) | null) => void = () => undefined
  const answer = new Promise<(() => void) | null>((resolve) => {
    answered = resolve
  })
  const options = ifFree ? { ifAvailable: true } : signal === undefined ? {} : { signal }
  const held = webLocks.request(name, options, (lock) => {
    // Held for as long as this promise is not resolved.
    return new Promise((release) => {
      if (lock === null) release()
      answered(lock === null ? null : release)
    })
  })
  try {
    return await Promise.race([answer, held.then(() => null)])
  } catch (error) {
    if (signal?.aborted) return null
    throw error
  }
}

function openBroadcastChannel(name: string): Channel {
  const inner = new (globals.BroadcastChannel as NonNullable<Globals['BroadcastChannel']>)(name)
  const channel: Channel = {
    post: (message) => inner.postMessage(message),
    onMessage: null,
    close: () => inner.close(),
  }
  inner.onmessage = ({ data }) => channel.onMessage?.(data)
  return channel
}

export function newAbortController(): { readonly signal: AbortSignalLike; abort(): void } {
  return new globals.AbortController()
}

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
}

interface EventSource {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

interface Globals {
  readonly WebSocket?: WebSocketConstructor
  readonly fetch?: Fetch
  readonly crypto?: { getRandomValues(bytes: Uint8Array): Uint8Array }
  readonly document?: EventSource & { readonly visibilityState: string }
  readonly addEventListener?: EventSource['addEventListener']
  readonly removeEventListener?: EventSource['removeEventListener']
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

export function newAbortController(): { readonly signal: AbortSignalLike; abort(): void } {
  return new globals.AbortController()
}

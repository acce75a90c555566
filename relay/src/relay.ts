// The relay as a library: opens the store, listens or attaches, and puts everything away again. The one place where
// the parts of the relay meet.
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import { attach } from './carrier/attach.ts'
import { Entrance } from './carrier/entrance.ts'
import { RelayError } from './errors.ts'
import type { Limits } from './limits.ts'
import { type CompleteOptions, completeOptions, type RelayOptions } from './options.ts'
import { createRelayCore, type RelayCore } from './relay-core.ts'
import type { RelayStore } from './store/contract.ts'
import { SECRET_BYTES, secretOf } from './token/secret.ts'
import { TOKEN_LIFETIME_MS, Tokens } from './token/tokens.ts'

/** A relay that serves. */
export interface Relay {
  /** Base URL for devices, such as `ws://127.0.0.1:8080`. @throws RelayError NOT_LISTENING if the server given does not listen yet. */
  readonly url: string
  /** Resolves, never rejects, with the reason once the relay can no longer promise durability: end it, and start another. */
  readonly failed: Promise<Error>
  /**
   * A token for these grants, such as `alice/*:write`. `subject`: who it is for, default nobody. `expiresInMs`: default 30 days.
   * @throws RelayError BAD_GRANT or BAD_OPTION
   */
  mintToken(grants: readonly string[], options?: { subject?: string; expiresInMs?: number }): Promise<string>
  /**
   * Finishes the rounds under way, for at most `deadlineMs` (default 10,000), tells every device when to return, and
   * closes the store that the relay opened. Idempotent.
   */
  close(options?: { deadlineMs?: number }): Promise<void>
}

/** How often deadlines are looked at: they are late by at most this. */
const SWEEP_MS = 250
const CLOSE_DEADLINE_MS = 10_000

/**
 * Starts a relay; resolves when it serves.
 * @throws RelayError BAD_OPTION, which names the option; DATA or ADDRESS where the machine says no
 */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  const complete = completeOptions(options)
  const secret = await secretFor(complete)
  const store = await storeFor(complete)
  const tokens = new Tokens(secret, complete.limits.tokensCachedMax)
  const { limits, logger } = complete
  // Milliseconds since 1970 as they were at the start, and a clock that nobody sets from then on.
  const steadyNow = (): number => performance.timeOrigin + performance.now()
  const core = createRelayCore({ store, tokens, limits, now: Date.now, steadyNow, logger })
  const relay = new ServingRelay(complete, core, store, tokens)
  try {
    await relay.listen()
  } catch (error) {
    await relay.close({ deadlineMs: 0 })
    throw error
  }
  return relay
}

async function secretFor({ source, secret, logger }: CompleteOptions): Promise<Uint8Array> {
  if (secret !== null) return secret
  return 'data' in source ? secretOf(source.data, logger) : randomBytes(SECRET_BYTES)
}

async function storeFor({ source, limits, logger }: CompleteOptions): Promise<RelayStore> {
  if ('store' in source) return source.store
  // Here and not above, so that a relay on another store never loads LMDB.
  const { openLmdbStore } = await import('./store/lmdb/open.ts')
  try {
    const { commitTimeoutMs, freeBytesMin } = limits
    return await openLmdbStore({ directory: source.data, limits, commitTimeoutMs, freeBytesMin, logger })
  } catch (cause) {
    throw new RelayError('DATA', reasonsOf(cause), { option: 'data', cause })
  }
}

/** What the store says, and what the system said to it. */
function reasonsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${reasonsOf(error.cause)}`
}

class ServingRelay implements Relay {
  readonly failed: Promise<Error>
  readonly #options: CompleteOptions
  readonly #core: RelayCore
  readonly #store: RelayStore
  readonly #tokens: Tokens
  readonly #server: Server
  readonly #entrance: Entrance
  readonly #detach: () => void
  readonly #sweeper: NodeJS.Timeout
  #healthy = true
  #closing: Promise<void> | null = null

  constructor(options: CompleteOptions, core: RelayCore, store: RelayStore, tokens: Tokens) {
    this.#options = options
    this.#core = core
    this.#store = store
    this.#tokens = tokens
    this.#server = 'server' in options.place ? options.place.server : ownServer(options.limits)
    this.#entrance = new Entrance(core, options.basePath, options.limits, () => this.#healthy)
    this.#detach = attach(this.#server, this.#entrance)
    this.#sweeper = setInterval(() => core.sweep(), SWEEP_MS).unref()
    this.failed = store.failed.then((error) => {
      this.#healthy = false
      options.logger.error({ err: error }, 'the store can no longer promise durability')
      return error
    })
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') {
      throw new RelayError('NOT_LISTENING', 'The server given does not listen on a port yet', { option: 'server' })
    }
    const { place, basePath } = this.#options
    const host = 'host' in place ? place.host : address.address
    const scheme = this.#server instanceof TlsServer ? 'wss' : 'ws'
    return `${scheme}://${reachable(host)}:${address.port}${basePath}`
  }

  /** Only a server of our own; a host's listens when the host says so. */
  async listen(): Promise<void> {
    const { place } = this.#options
    if ('server' in place) return
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error): void => {
        reject(new RelayError('ADDRESS', `Cannot listen on ${place.host}:${place.port}: ${cause.message}`, { cause }))
      }
      this.#server.once('error', fail)
      this.#server.listen({ host: place.host, port: place.port }, () => {
        this.#server.off('error', fail)
        this.#server.on('error', (error) => this.#options.logger.error({ err: error }, 'the server failed'))
        resolve()
      })
    })
  }

  mintToken(grants: readonly string[], options: { subject?: string; expiresInMs?: number } = {}): Promise<string> {
    const { subject = '', expiresInMs = TOKEN_LIFETIME_MS } = options
    return this.#tokens.mint(grants, subject, Date.now(), expiresInMs)
  }

  close({ deadlineMs = CLOSE_DEADLINE_MS }: { deadlineMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#healthy = false
    const own = 'host' in this.#options.place
    const serverClosed = own ? closeServer(this.#server) : null
    const abandon = setTimeout(() => this.#core.abandon(), deadlineMs)
    await this.#core.drain()
    clearTimeout(abandon)
    this.#detach() // A host's devices that come back now find nobody, and are not waited for.
    await this.#entrance.closed()
    if (own) this.#server.closeAllConnections()
    await serverClosed
    clearInterval(this.#sweeper)
    if ('data' in this.#options.source) await this.#store.close()
  }
}

function ownServer(limits: Limits): Server {
  // Node looks at its two deadlines only so often, and by default every 30 s.
  const server = createServer({ connectionsCheckingInterval: SWEEP_MS }, (_request, response) => {
    response.writeHead(404, { 'Content-Length': 0 })
    response.end()
  })
  server.headersTimeout = limits.httpHeadersTimeoutMs
  server.requestTimeout = limits.httpRequestTimeoutMs
  server.keepAliveTimeout = limits.httpKeepAliveTimeoutMs
  return server
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // An error says only that it did not listen.
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}

/** An address that a device on this machine can use where the server listens on all of them. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

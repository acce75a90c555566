// The options of createRelay, and what they become: one validated value, or an error that names the option.
import { Server } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import { RelayError } from './errors.ts'
import { completeLimits, type Limits } from './limits.ts'
import { type Logger, SILENT } from './logger.ts'
import type { RelayStore } from './store/contract.ts'
import { SECRET_BYTES } from './token/secret.ts'

/** Exactly one of `data` and `store`. */
export interface RelayOptions {
  /** Directory of an embedded LMDB store and of the secret that signs tokens; made if it is not there. The relay closes the store that it opened. */
  data?: string
  /** A store of yours, which stays open when the relay closes. */
  store?: RelayStore
  /** Address to listen on. Default 127.0.0.1. */
  host?: string
  /** Port to listen on, 0 to 65535. Default 0: any that is free. */
  port?: number
  /** A server of yours to attach to, instead of host and port: the relay takes its own paths, and leaves all others alone. */
  server?: Server
  /** What stands before /v1/sync and /healthz, such as `/relay`. Default ''. */
  basePath?: string
  /** Signs and verifies tokens; at least 32 bytes. Default: the secret in the data directory, or, with `store`, a random one of this relay. */
  secret?: Uint8Array
  /** Any of the limits, over their defaults. */
  limits?: Partial<Limits>
  /** Such as a pino logger. Default: silence. */
  logger?: Logger
}

export interface CompleteOptions {
  readonly source: { readonly data: string } | { readonly store: RelayStore }
  readonly place: { readonly server: Server } | { readonly host: string; readonly port: number }
  readonly basePath: string
  readonly secret: Uint8Array | null
  readonly limits: Limits
  readonly logger: Logger
}

/** Never with a part `.` or `..`, which no client would send. */
const BASE_PATH = /^(\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*$/

/** @throws RelayError BAD_OPTION, which names the option. */
export function completeOptions(options: RelayOptions): CompleteOptions {
  const { basePath = '', secret = null, logger = SILENT } = options
  if (typeof basePath !== 'string' || !BASE_PATH.test(basePath)) {
    throw badOption('basePath', "must be '' or begin with a slash and end without one, such as /relay")
  }
  if (secret !== null && (!(secret instanceof Uint8Array) || secret.length < SECRET_BYTES)) {
    throw badOption('secret', `must be at least ${SECRET_BYTES} bytes`)
  }
  const limits = completeLimits(options.limits)
  return { source: sourceOf(options), place: placeOf(options), basePath, secret, limits, logger }
}

function sourceOf({ data, store }: RelayOptions): CompleteOptions['source'] {
  if (data !== undefined && store !== undefined) throw badOption('store', 'cannot be given together with data')
  if (store !== undefined) return { store }
  if (data === undefined) throw badOption('data', 'or store must be given')
  if (typeof data !== 'string' || data === '') throw badOption('data', 'must be the path of a directory')
  return { data }
}

function placeOf({ server, host, port }: RelayOptions): CompleteOptions['place'] {
  if (server === undefined) {
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
      throw badOption('port', 'must be a whole number from 0 to 65535')
    }
    if (host !== undefined && (typeof host !== 'string' || host === '')) throw badOption('host', 'must be an address')
    return { host: host ?? '127.0.0.1', port: port ?? 0 }
  }
  if (!(server instanceof Server) && !((server as unknown) instanceof TlsServer)) {
    throw badOption('server', 'must be a server of node:http or node:https')
  }
  if (host !== undefined || port !== undefined) {
    throw badOption(host === undefined ? 'port' : 'host', 'cannot be given together with server')
  }
  return { server }
}

function badOption(option: string, what: string): RelayError {
  return new RelayError('BAD_OPTION', `The option ${option} ${what}`, { option })
}

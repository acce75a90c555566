// Grants: which documents a token opens, and for what. Text `pattern:right`, judged without any lookup.
// A pattern is `vault/name` (that document), or `vault/prefix*` (every document of the vault whose name begins with
// prefix; `vault/*`: all). A `*` stands for itself anywhere but at the end, and a vault is always named in full.
import { isVault } from '@tidemark/protocol'
import { RelayError } from '../errors.ts'

/** Write includes read and compact. */
export type Right = 'read' | 'write'

export interface Grant {
  readonly vault: string
  /** The whole name, or what it begins with where `prefix`. */
  readonly name: string
  readonly prefix: boolean
  readonly right: Right
}

export const GRANTS_MAX = 100
const GRANT_BYTES_MAX = 600

/**
 * Reads a grant such as `alice/*:write`. The last colon separates, so that a name may hold colons.
 * @throws RelayError BAD_GRANT, which says what is wrong with it.
 */
export function parseGrant(text: string): Grant {
  const colon = text.lastIndexOf(':')
  const slash = text.indexOf('/')
  const right = text.slice(colon + 1)
  const vault = text.slice(0, slash)
  const name = text.slice(slash + 1, colon)
  if (colon < 0 || (right !== 'read' && right !== 'write')) throw badGrant(text, 'it must end in :read or :write')
  if (slash < 0 || slash > colon) throw badGrant(text, 'its pattern must be vault/name, vault/* or vault/prefix*')
  if (!isVault(vault)) throw badGrant(text, 'the vault must be 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -')
  if (name === '') throw badGrant(text, 'the name after the vault is empty')
  if (Buffer.byteLength(text) > GRANT_BYTES_MAX) throw badGrant('…', `it is longer than ${GRANT_BYTES_MAX} bytes`)
  const prefix = name.endsWith('*')
  return { vault, name: prefix ? name.slice(0, -1) : name, prefix, right }
}

/** The widest right that any of the grants gives on a document, or null. */
export function rightOn(grants: readonly Grant[], vault: string, name: string): Right | null {
  let widest: Right | null = null
  for (const grant of grants) {
    if (grant.vault !== vault) continue
    if (grant.prefix ? !name.startsWith(grant.name) : name !== grant.name) continue
    if (grant.right === 'write') return 'write'
    widest = 'read'
  }
  return widest
}

/** Whether any grant names the vault: only then may its feed be asked for. */
export function coversVault(grants: readonly Grant[], vault: string): boolean {
  return grants.some((grant) => grant.vault === vault)
}

function badGrant(text: string, reason: string): RelayError {
  return new RelayError('BAD_GRANT', `The grant '${text}' cannot be used: ${reason}`)
}

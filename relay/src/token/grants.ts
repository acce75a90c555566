// Grants: which documents a token opens, and for what. Text `pattern:right`, judged without any lookup.
// A pattern is `vault/name` (that document), or `vault/prefix*` (every document of the vault whose name begins with
// prefix; `vault/*`: all). A `*` stands for itself anywhere but at the end, and a vault is always named in full.
import { isVault } from '@tidemark/protocol'
import { RelayError } from '../errors.ts'

/** Write includes read, and to compact; delete includes write. */
export type Right = 'read' | 'write' | 'delete'

/** Each includes those before it. */
const RIGHTS: readonly Right[] = ['read', 'write', 'delete']

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
  const right = RIGHTS.find((known) => known === text.slice(colon + 1))
  const vault = text.slice(0, slash)
  const name = text.slice(slash + 1, colon)
  if (colon < 0 || right === undefined) throw badGrant(text, 'it must end in :read, :write or :delete')
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
    if (!includesRight(widest, grant.right)) widest = grant.right
  }
  return widest
}

/** Whether what was granted (null: nothing) covers what is needed. */
export function includesRight(granted: Right | null, needed: Right): boolean {
  return granted !== null && RIGHTS.indexOf(granted) >= RIGHTS.indexOf(needed)
}

/** Whether any grant names the vault: only then may its feed be asked for. */
export function coversVault(grants: readonly Grant[], vault: string): boolean {
  return grants.some((grant) => grant.vault === vault)
}

function badGrant(text: string, reason: string): RelayError {
  return new RelayError('BAD_GRANT', `The grant '${text}' cannot be used: ${reason}`)
}

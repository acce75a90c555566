// Tokens: JWTs (RFC 7519) signed with HS256, whose claim `tidemark` lists grants. Verified ones are remembered by hash
// until they expire, because a verification costs more than the rest of a burst. A token itself is never kept or logged.
import { hash } from 'node:crypto'
import { FIELD_LIMITS } from '@tidemark/protocol'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { RelayError } from '../errors.ts'
import { GRANTS_MAX, type Grant, parseGrant } from './grants.ts'

const CLAIM = 'tidemark'
const ALGORITHM = 'HS256'
/** What a HELLO carries. */
const TOKEN_BYTES_MAX = FIELD_LIMITS.tokenBytesMax
/** Milliseconds since 1970 of the last moment that a Date can name. */
const DATE_MS_MAX = 8.64e15
/** 30 days. */
export const TOKEN_LIFETIME_MS: number = 30 * 24 * 60 * 60 * 1000

export interface VerifiedToken {
  /** Who the token was made for; empty where it does not say. */
  readonly subject: string
  readonly grants: readonly Grant[]
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** What the relay asks of tokens. */
export interface TokenVerifier {
  /** Answers at once for a token seen before. Throws or rejects with TokenError, whose message may be shown to the device. */
  verify(token: string, nowMs: number): VerifiedToken | Promise<VerifiedToken>
}

/** Why a token opens nothing, in words for a person. */
export class TokenError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TokenError'
  }
}

export class Tokens implements TokenVerifier {
  readonly #secret: Uint8Array
  readonly #cachedMax: number
  readonly #cache = new Map<string, VerifiedToken>()
  /** Being verified: many connections with one token cost one verification. */
  readonly #pending = new Map<string, Promise<VerifiedToken>>()

  constructor(secret: Uint8Array, cachedMax: number) {
    this.#secret = secret
    this.#cachedMax = cachedMax
  }

  verify(token: string, nowMs: number): VerifiedToken | Promise<VerifiedToken> {
    if (token === '') throw new TokenError('There is no token')
    if (token.length > TOKEN_BYTES_MAX) throw new TokenError(`The token is longer than ${TOKEN_BYTES_MAX} bytes`)
    const key = hash('sha256', token, 'base64')
    const known = this.#cache.get(key)
    if (known === undefined) return this.#pending.get(key) ?? this.#verifyOnce(token, key, nowMs)
    this.#cache.delete(key)
    if (known.expiresAtMs <= nowMs) throw new TokenError('The token has expired')
    this.#cache.set(key, known)
    return known
  }

  /**
   * A token for these grants.
   * @throws RelayError BAD_GRANT or BAD_OPTION
   */
  async mint(grants: readonly string[], subject: string, nowMs: number, expiresInMs: number): Promise<string> {
    if (grants.length === 0) throw new RelayError('BAD_GRANT', 'A token needs at least one grant')
    if (grants.length > GRANTS_MAX) throw new RelayError('BAD_GRANT', `A token holds at most ${GRANTS_MAX} grants`)
    for (const grant of grants) parseGrant(grant)
    if (!(expiresInMs >= 1000 && nowMs + expiresInMs <= DATE_MS_MAX)) {
      throw new RelayError('BAD_OPTION', 'expiresInMs must be at least 1000, and end at a date', {
        option: 'expiresInMs',
      })
    }
    const token = new SignJWT({ [CLAIM]: [...grants] })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuedAt(new Date(nowMs))
      .setExpirationTime(new Date(nowMs + expiresInMs))
    if (subject !== '') token.setSubject(subject)
    const signed = await token.sign(this.#secret)
    if (signed.length > TOKEN_BYTES_MAX)
      throw new RelayError('BAD_GRANT', 'The grants and the subject do not fit into one token')
    return signed
  }

  #verifyOnce(token: string, key: string, nowMs: number): Promise<VerifiedToken> {
    const pending = this.#verifyAnew(token, key, nowMs).finally(() => this.#pending.delete(key))
    this.#pending.set(key, pending)
    return pending
  }

  async #verifyAnew(token: string, key: string, nowMs: number): Promise<VerifiedToken> {
    let payload: JWTPayload
    try {
      const options = { algorithms: [ALGORITHM], requiredClaims: ['exp', CLAIM], currentDate: new Date(nowMs) }
      payload = (await jwtVerify(token, this.#secret, options)).payload
    } catch (error) {
      throw new TokenError(reasonOf(error))
    }
    const verified = {
      subject: payload.sub ?? '',
      grants: grantsOf(payload[CLAIM]),
      expiresAtMs: (payload.exp ?? 0) * 1000,
    }
    this.#remember(key, verified)
    return verified
  }

  #remember(key: string, verified: VerifiedToken): void {
    this.#cache.set(key, verified)
    if (this.#cache.size <= this.#cachedMax) return
    // A Map keeps the order of insertion, and every use inserts anew: its first key is the least recently used.
    const oldest = this.#cache.keys().next()
    if (!oldest.done) this.#cache.delete(oldest.value)
  }
}

function grantsOf(claim: unknown): readonly Grant[] {
  if (!Array.isArray(claim) || claim.length === 0)
    throw new TokenError(`The claim '${CLAIM}' of the token has no grants`)
  if (claim.length > GRANTS_MAX) throw new TokenError(`The token holds more than ${GRANTS_MAX} grants`)
  return claim.map((text: unknown) => {
    if (typeof text !== 'string') throw new TokenError(`The claim '${CLAIM}' of the token must be a list of texts`)
    try {
      return parseGrant(text)
    } catch (error) {
      throw new TokenError(error instanceof Error ? error.message : `The grant '${text}' cannot be used`)
    }
  })
}

/** Told apart by jose's own classes, never by its wording; nothing of the token is repeated. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired'
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'The signature of the token is bad: it was made with another secret'
  if (error instanceof errors.JOSEAlgNotAllowed) return `The token must be signed with ${ALGORITHM}`
  if (error instanceof errors.JWTClaimValidationFailed) return claimReason(error)
  return 'The token is malformed: it is not a signed JWT'
}

function claimReason(error: errors.JWTClaimValidationFailed): string {
  if (error.claim === CLAIM) return `The token has no grants: its claim '${CLAIM}' is missing`
  if (error.claim === 'exp') return 'The token does not say when it expires'
  if (error.claim === 'nbf') return 'The token is not valid yet'
  return `The claim '${error.claim}' of the token is not acceptable`
}

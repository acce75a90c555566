// Why something that a relay gave cannot be taken in (yet): what a status says of it, and what follows from it.
import { TidemarkError } from '../errors.ts'

export type Obstacle =
  /** Sealed; a key that this device lacks opens it. */
  | { readonly cause: 'UNKNOWN_KEY'; readonly keyId: string }
  /** Sealed, and not by the key that this device has under that id. */
  | { readonly cause: 'NOT_AUTHENTIC'; readonly keyId: string }
  /** Sealed with a suite that this program does not know. */
  | { readonly cause: 'UNKNOWN_SUITE'; readonly keyId: string; readonly suite: number }
  /** Plain, where the document is encrypted: whoever wrote it need not have had a key. */
  | { readonly cause: 'NOT_ENCRYPTED' }
  /** No key can make an update of it. */
  | { readonly cause: 'CANNOT_APPLY' }

/** What was in it, and the key that opened it, null: it was plain; or why it stays shut. */
export type Opening = { readonly content: Uint8Array; readonly keyId: string | null } | Obstacle

/** Whether the content may be there for whoever has the right key: then this device must not speak for the log. */
export function isSealed({ cause }: Obstacle): boolean {
  return cause === 'UNKNOWN_KEY' || cause === 'NOT_AUTHENTIC' || cause === 'UNKNOWN_SUITE'
}

/** For the status of a document: the gravest of them in words. Null: there is none. */
export function problemOf(documentId: string, obstacles: readonly Obstacle[]): TidemarkError | null {
  const gravest = GRAVITY.flatMap((cause) => obstacles.find((obstacle) => obstacle.cause === cause) ?? [])[0]
  if (gravest === undefined) return null
  const count = obstacles.filter(
    (obstacle) => obstacle.cause === gravest.cause && keyIdOf(obstacle) === keyIdOf(gravest),
  ).length
  const what = count === 1 ? 'One entry' : `${count} entries`
  const message = `${what} of this document ${count === 1 ? 'is' : 'are'} ${wordsOf(gravest)}; the rest syncs on`
  return new TidemarkError(CODES[gravest.cause], message, { documentId, keyId: keyIdOf(gravest) })
}

const GRAVITY = ['UNKNOWN_KEY', 'NOT_AUTHENTIC', 'UNKNOWN_SUITE', 'CANNOT_APPLY', 'NOT_ENCRYPTED'] as const

const CODES = {
  UNKNOWN_KEY: 'UNKNOWN_KEY',
  NOT_AUTHENTIC: 'UNKNOWN_KEY',
  UNKNOWN_SUITE: 'VERSION',
  CANNOT_APPLY: 'CANNOT_APPLY',
  NOT_ENCRYPTED: 'NOT_ENCRYPTED',
} as const

function keyIdOf(obstacle: Obstacle): string | null {
  return 'keyId' in obstacle ? obstacle.keyId : null
}

function wordsOf(obstacle: Obstacle): string {
  switch (obstacle.cause) {
    case 'UNKNOWN_KEY':
      return `sealed with key ${obstacle.keyId}, which this device does not have`
    case 'NOT_AUTHENTIC':
      return `not authentic under key ${obstacle.keyId}: it is another key here, or they were written without it`
    case 'UNKNOWN_SUITE':
      return `sealed by a newer version (suite ${obstacle.suite}, key ${obstacle.keyId})`
    case 'NOT_ENCRYPTED':
      return 'not encrypted, as this document is, and not taken in'
    case 'CANNOT_APPLY':
      return 'not applicable by this version'
  }
}

// A key out of a passphrase, by argon2id, a function that takes time and memory on purpose. What it takes beside the
// passphrase is no secret, and is to be kept where every device finds it. Keeps neither passphrase nor key.
import { argon2idAsync } from '@noble/hashes/argon2.js'
import { hexOf } from '../document/bytes.ts'
import { TidemarkError } from '../errors.ts'
import { platformOf } from '../platform.ts'
import { deriveKey } from './derive.ts'
import { type DocumentKey, isKeyId, KEY_BYTES } from './key-ring.ts'
import { newKeyId } from './keys.ts'
import type { RandomBytes } from './suite.ts'

/** What turns a passphrase into one key, as plain JSON. Not secret; without it the passphrase is of no use. */
export interface PassphraseParameters {
  readonly algorithm: 'argon2id'
  /** KiB: what an attacker needs for each guess, too. */
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
  /** Hex of random bytes, 16 by default: the same passphrase elsewhere gives another key. */
  readonly salt: string
  /** Of the key that it gives. */
  readonly keyId: string
  /** Hex; says whether a passphrase is the right one, and nothing more than any envelope does. */
  readonly check: string
}

export interface PassphraseCost {
  /** Default 65,536; at least 19,456. */
  readonly memoryKiB?: number
  /** Default 3; at least 2. */
  readonly passes?: number
  readonly randomBytes?: RandomBytes
  /** From 0 to 1, while it works. */
  readonly onProgress?: (done: number) => void
}

const SALT_BYTES = 16
const CHECK_BYTES = 8
/** The second choice of RFC 9106, but for lanes, which JavaScript runs one after the other. */
const COST = { memoryKiB: 65_536, passes: 3, lanes: 1 } as const
/** The least that OWASP's cheat sheet on passwords has. A limit above, since parameters may come from a stranger. */
const MEMORY_KIB = { MIN: 19_456, MAX: 524_288 } as const
const PASSES = { MIN: 2, MAX: 64 } as const
/** Other tasks of the thread get their turn this often. */
const TICK_MS = 10

/**
 * A new key. Takes seconds, in slices of 10 ms: the page goes on. Keep the parameters beside the documents, in the open.
 * @throws TidemarkError BAD_OPTION, naming what is wrong
 */
export async function newPassphraseKey(
  passphrase: string,
  { memoryKiB = COST.memoryKiB, passes = COST.passes, ...rest }: PassphraseCost = {},
): Promise<{ readonly key: DocumentKey; readonly parameters: PassphraseParameters }> {
  const { randomBytes = platformOf().randomBytes, onProgress } = rest
  const salt = hexOf(randomBytes(SALT_BYTES))
  const cost = {
    algorithm: 'argon2id',
    memoryKiB,
    passes,
    lanes: COST.lanes,
    salt,
    keyId: newKeyId(randomBytes),
  } as const
  check(passphrase, cost)
  const key = await derive(passphrase, cost, onProgress)
  return { key, parameters: { ...cost, check: checkOf(key) } }
}

/**
 * The key that the passphrase gave before.
 * @throws TidemarkError UNKNOWN_KEY: another passphrase; BAD_OPTION: no parameters of this version, naming what is wrong
 */
export async function keyFromPassphrase(
  passphrase: string,
  parameters: PassphraseParameters,
  { onProgress }: Pick<PassphraseCost, 'onProgress'> = {},
): Promise<DocumentKey> {
  check(passphrase, parameters)
  if (typeof parameters.check !== 'string' || parameters.check === '') bad('check', 'the hex that came with the key')
  const key = await derive(passphrase, parameters, onProgress)
  if (checkOf(key) !== parameters.check) {
    throw new TidemarkError('UNKNOWN_KEY', `This passphrase is not the one of key ${key.id}`, { keyId: key.id })
  }
  return key
}

async function derive(
  passphrase: string,
  parameters: Omit<PassphraseParameters, 'check'>,
  onProgress: PassphraseCost['onProgress'],
): Promise<DocumentKey> {
  const { memoryKiB: m, passes: t, lanes: p, salt, keyId } = parameters
  // One and the same text may be typed as different code points.
  const text = passphrase.normalize('NFKC')
  const options = { m, t, p, dkLen: KEY_BYTES, asyncTick: TICK_MS, ...(onProgress === undefined ? {} : { onProgress }) }
  return { id: keyId, key: await argon2idAsync(text, bytesOfHex(salt), options) }
}

function check(
  passphrase: string,
  { algorithm, memoryKiB, passes, lanes, salt, keyId }: Omit<PassphraseParameters, 'check'>,
): void {
  if (typeof passphrase !== 'string' || passphrase === '') bad('passphrase', 'a text that is not empty')
  if (algorithm !== 'argon2id') bad('algorithm', 'argon2id')
  if (!isWithin(memoryKiB, MEMORY_KIB)) bad('memoryKiB', `${MEMORY_KIB.MIN} to ${MEMORY_KIB.MAX}`)
  if (!isWithin(passes, PASSES)) bad('passes', `${PASSES.MIN} to ${PASSES.MAX}`)
  if (!isWithin(lanes, { MIN: 1, MAX: 255 })) bad('lanes', '1 to 255')
  if (typeof salt !== 'string' || !/^([0-9a-f]{2}){16,64}$/.test(salt)) bad('salt', 'hex of 16 to 64 bytes')
  if (!isKeyId(keyId)) bad('keyId', '1 to 32 of A-Z a-z 0-9 . _ ~ -')
}

function isWithin(value: number, { MIN, MAX }: { readonly MIN: number; readonly MAX: number }): boolean {
  return Number.isInteger(value) && value >= MIN && value <= MAX
}

function bad(name: string, wanted: string): never {
  throw new TidemarkError('BAD_OPTION', `${name} must be ${wanted}`)
}

function checkOf({ id, key }: DocumentKey): string {
  return hexOf(deriveKey(key, CHECK_BYTES, 'check1', id))
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

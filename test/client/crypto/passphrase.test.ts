import { keyFromPassphrase, newPassphraseKey, type PassphraseParameters } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../protocol/vectors.ts'
import { hkdf } from '../../support/xchacha.ts'

/** The least that is allowed. */
const CHEAP = { memoryKiB: 19_456, passes: 2 }
const PARAMETERS: PassphraseParameters = {
  algorithm: 'argon2id',
  ...CHEAP,
  lanes: 1,
  salt: '000102030405060708090a0b0c0d0e0f',
  keyId: '0123456789abcdef',
  check: '',
}

describe('a key from a passphrase', () => {
  it('is the same wherever its parameters are, which are plain JSON', async () => {
    const { key, parameters } = await newPassphraseKey('correct horse battery staple', CHEAP)
    expect(key).toEqual({ id: parameters.keyId, key: expect.any(Uint8Array) })
    expect(key.key).toHaveLength(32)
    expect(parameters).toMatchObject({ algorithm: 'argon2id', ...CHEAP, lanes: 1 })
    const read: PassphraseParameters = JSON.parse(JSON.stringify(parameters))
    expect(await keyFromPassphrase('correct horse battery staple', read)).toEqual(key)
    expect(JSON.stringify(parameters)).not.toContain(toHex(key.key))
  })

  it('is argon2id, version 1.3, of the passphrase in NFKC', async () => {
    // By argon2-cffi 25.1: hash_secret_raw('zuf\u00e4llig'.encode(), bytes(range(16)), 2, 19456, 1, 32, Type.ID)
    const known = 'ed36c82444fda92bfba85bcfca0b604f9e328a5ad8efcf339fbef635f4cd9d2b'
    const check = toHex(hkdf(fromHex(known), Buffer.from(`\x06check1\x10${PARAMETERS.keyId}`))).slice(0, 16)
    const { id, key } = await keyFromPassphrase('zufa\u0308llig', { ...PARAMETERS, check })
    expect([id, toHex(key)]).toEqual([PARAMETERS.keyId, known])
  })

  it('is none where the passphrase is another one', async () => {
    const { parameters } = await newPassphraseKey('one', CHEAP)
    await expect(keyFromPassphrase('other', parameters)).rejects.toMatchObject({
      code: 'UNKNOWN_KEY',
      keyId: parameters.keyId,
    })
  })

  it('lets other work go on meanwhile, and says how far it is', async () => {
    let [ticks, done] = [0, 0]
    const timer = setInterval(() => ticks++, 1)
    await newPassphraseKey('one', { ...CHEAP, onProgress: (progress) => (done = progress) })
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(2)
    expect(done).toBe(1)
  })

  it.each<[string, Partial<PassphraseParameters>]>([
    ['algorithm', { algorithm: 'md5' as never }],
    ['memoryKiB', { memoryKiB: 8 }],
    ['memoryKiB', { memoryKiB: 2 ** 30 }],
    ['passes', { passes: 1 }],
    ['lanes', { lanes: 0 }],
    ['salt', { salt: '00' }],
    ['salt', { salt: 'no hex at all' }],
    ['keyId', { keyId: 'a b' }],
    ['check', { check: undefined as never }],
  ])('is refused a wrong %s, by name', async (name, change) => {
    const wrong = keyFromPassphrase('one', { ...PARAMETERS, ...change })
    await expect(wrong).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining(`${name} must be`),
    })
    await expect(newPassphraseKey('')).rejects.toMatchObject({ message: expect.stringContaining('passphrase must be') })
  })
})

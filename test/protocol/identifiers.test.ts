import { createHash } from 'node:crypto'
import {
  chainSeed,
  isVault,
  nextChain,
  parseDocumentId,
  pushIdOf,
  type Sha256,
  tagOf,
  zeroTag,
} from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { fromHex, type IdentifierVectors, readVectors, toHex } from './vectors.ts'

const vectors = readVectors<IdentifierVectors>('identifiers.json')
const sha256: Sha256 = (bytes) => createHash('sha256').update(bytes).digest()

describe('push ids', () => {
  it.each(vectors.pushIds)('hashes $name', ({ format, payload, pushId }) => {
    const bytes = typeof payload === 'string' ? fromHex(payload) : Uint8Array.from(payload, (_, index) => index % 256)
    expect(toHex(pushIdOf(sha256, format, bytes))).toBe(pushId)
  })

  it('gives plain bytes of their own, whatever the platform hashes into', () => {
    const shared = Buffer.alloc(64)
    const id = pushIdOf(() => shared.subarray(0, 32), 1, new Uint8Array(1))
    shared.fill(0xff)
    expect(id).toEqual(new Uint8Array(16))
    expect(id.constructor).toBe(Uint8Array)
  })
})

describe('chains and tags', () => {
  it.each(vectors.chains)(
    'of $documentId',
    ({ incarnation, documentId, pushIds, chain, generation, tag, repaired }) => {
      let link = chainSeed(sha256, fromHex(incarnation), documentId)
      const links = [toHex(link)]
      for (const pushId of pushIds) {
        link = nextChain(sha256, link, fromHex(pushId))
        links.push(toHex(link))
      }
      expect(links).toEqual(chain)
      expect(toHex(tagOf(sha256, link, fromHex(generation)))).toBe(tag)
      expect(toHex(tagOf(sha256, link, fromHex(repaired.generation)))).toBe(repaired.tag)
    },
  )

  it('has a tag of zeros for no log, new each time', () => {
    expect(zeroTag()).toEqual(new Uint8Array(8))
    expect(zeroTag()).not.toBe(zeroTag())
  })

  it('refuses to seed a chain with half of a surrogate pair', () => {
    expect(() => chainSeed(sha256, new Uint8Array(16), 'a/\ud800')).toThrow(RangeError)
  })
})

describe('document ids', () => {
  it.each(vectors.documentIds.valid)('splits $documentId', ({ documentId, vault, name }) => {
    expect(parseDocumentId(documentId)).toEqual({ ok: true, vault, name })
    expect(isVault(vault)).toBe(true)
  })

  it.each(vectors.documentIds.invalid)('refuses: $name', ({ documentId }) => {
    const parsed = parseDocumentId(documentId)
    expect(parsed.ok).toBe(false)
    if (!parsed.ok) expect(parsed.message).toMatch(/^document id: ./)
  })

  it('says what is wrong', () => {
    expect(parseDocumentId(`a/${'n'.repeat(511)}`)).toMatchObject({ message: 'document id: 513 bytes, at most 512' })
    expect(parseDocumentId('alice')).toMatchObject({ message: 'document id: no slash between vault and name' })
    expect(parseDocumentId('a/\n')).toMatchObject({ message: 'document id: the name has a control character' })
    expect(parseDocumentId('a/')).toMatchObject({ message: 'document id: the name is empty' })
    expect(parseDocumentId('a/\udfff')).toMatchObject({ message: 'document id: half of a surrogate pair' })
  })
})

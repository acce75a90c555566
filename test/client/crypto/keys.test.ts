import { type DocumentKey, keyRing, newKey, type ScopedKey } from '@tidemark/client'
import { describe, expect, it, vi } from 'vitest'
import { key } from '../../support/encrypted.ts'

const NOVEL = 'alice/novel'

function idOf(current: DocumentKey | 'plain' | null): string | null {
  return current === null || current === 'plain' ? current : current.id
}

describe('a key ring', () => {
  it('has for current the newest key of the document, else of its vault, else of all', () => {
    const scoped = (id: string, scope: string): ScopedKey => ({ ...key(id), scope })
    const keys = keyRing([key('all'), scoped('vault', 'alice'), scoped('own', NOVEL), scoped('newer', 'alice')])
    expect(['alice/other', NOVEL, 'bob/x'].map((id) => idOf(keys.current(id)))).toEqual(['newer', 'own', 'all'])
    expect(keys.find(NOVEL, 'vault')).toHaveLength(32)
    expect(keys.find(NOVEL, 'none')).toBeNull()
    expect(keyRing([scoped('vault', 'alice')]).current('bob/x')).toBeNull()
    expect(keyRing([], { isPlain: (id) => id === NOVEL }).current(NOVEL)).toBe('plain')
  })

  it('keeps copies: an app may wipe its own', () => {
    const [first, right] = [
      { ...newKey(), id: 'k' },
      { ...newKey(), id: 'k' },
    ]
    const expected = right.key.slice()
    const keys = keyRing([first])
    keys.replace(right)
    right.key.fill(0)
    expect(keys.current('alice/novel')).toEqual({ id: 'k', key: expected })
    expect(keys.find('alice/novel', 'k')).toEqual(expected)
  })

  it('rotates, adds and replaces, and says so each time', () => {
    const keys = keyRing([key('k1')])
    const listener = vi.fn()
    const end = keys.subscribe(listener)
    keys.add(key('old'))
    expect([idOf(keys.current(NOVEL)), listener.mock.calls.length]).toEqual(['k1', 1])
    keys.rotate(key('k2'))
    expect([idOf(keys.current(NOVEL)), listener.mock.calls.length]).toEqual(['k2', 2])
    const right = key('k2')
    keys.replace(right)
    expect([keys.find(NOVEL, 'k2'), listener.mock.calls.length]).toEqual([right.key, 3])
    expect(keys.current(NOVEL)).toEqual({ id: 'k2', key: right.key })
    end()
    keys.add(key('k3'))
    expect(listener).toHaveBeenCalledTimes(3)
  })

  it('keeps its keys when the app wipes its own', () => {
    const mine = key('k1')
    const keys = keyRing([mine])
    mine.key.fill(0)
    expect(keys.find(NOVEL, 'k1')).not.toEqual(mine.key)
  })

  it.each<[string, unknown, RegExp]>([
    ['short', { id: 'k1', key: new Uint8Array(16).fill(1) }, /^keys\[0\]\.key must be 32 bytes, and k1 has 16$/],
    ['no bytes', { id: 'k1', key: '00'.repeat(32) }, /^keys\[0\]\.key must be a Uint8Array$/],
    ['zeros', { id: 'k1', key: new Uint8Array(32) }, /^keys\[0\]\.key must not be all zeros \(k1\)$/],
    ['nameless', { id: '', key: new Uint8Array(32).fill(1) }, /^keys\[0\]\.id must be 1 to 32 of /],
    ['oddly named', { id: 'my key', key: new Uint8Array(32).fill(1) }, /^keys\[0\]\.id must be 1 to 32 of /],
    ['longly named', { id: 'k'.repeat(33), key: new Uint8Array(32).fill(1) }, /^keys\[0\]\.id must be 1 to 32 of /],
  ])('refuses a key that is %s, and says so', (_what, wrong, message) => {
    expect(() => keyRing([wrong as DocumentKey])).toThrow(message)
    expect(() => keyRing([wrong as DocumentKey])).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })
})

it('a new key is random, and so is its id', () => {
  const [one, other] = [newKey(), newKey()]
  expect(one.key).toHaveLength(32)
  expect(one.key).not.toEqual(other.key)
  expect(one.id).toMatch(/^[0-9a-f]{16}$/)
  expect(one.id).not.toBe(other.id)
})

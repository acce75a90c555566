import { describe, expect, it } from 'vitest'
import { RelayError } from '../../../relay/src/errors.ts'
import { coversVault, parseGrant, rightOn } from '../../../relay/src/token/grants.ts'

describe('a grant', () => {
  it.each([
    ['alice/*:write', { vault: 'alice', name: '', prefix: true, right: 'write' }],
    ['alice/novel:read', { vault: 'alice', name: 'novel', prefix: false, right: 'read' }],
    ['alice/shared-*:read', { vault: 'alice', name: 'shared-', prefix: true, right: 'read' }],
    ['alice/a:b/c:write', { vault: 'alice', name: 'a:b/c', prefix: false, right: 'write' }],
    ['alice/*x:read', { vault: 'alice', name: '*x', prefix: false, right: 'read' }],
    ['alice/Übung ☃:read', { vault: 'alice', name: 'Übung ☃', prefix: false, right: 'read' }],
  ])('%s is read', (text, grant) => {
    expect(parseGrant(text)).toEqual(grant)
  })

  it.each([
    ['', 'must end in :read or :write'],
    ['alice/*', 'must end in :read or :write'],
    ['alice/*:admin', 'must end in :read or :write'],
    ['alice:write', 'its pattern must be'],
    ['alice/:write', 'the name after the vault is empty'],
    ['*/novel:write', 'the vault must be'],
    ['/novel:write', 'the vault must be'],
    [`${'v'.repeat(65)}/*:read`, 'the vault must be'],
    [`alice/${'n'.repeat(700)}:read`, 'longer than'],
  ])('%s is none, and says why', (text, reason) => {
    expect(() => parseGrant(text)).toThrow(RelayError)
    expect(() => parseGrant(text)).toThrow(reason)
  })
})

describe('the right on a document', () => {
  const grants = ['alice/*:read', 'alice/shared-*:write', 'bob/diary:read'].map(parseGrant)

  it.each([
    ['alice', 'novel', 'read'],
    ['alice', 'shared-list', 'write'],
    ['alice', 'shared-', 'write'],
    ['bob', 'diary', 'read'],
    ['bob', 'diary2', null],
    ['bob', 'diar', null],
    ['carol', 'diary', null],
    ['alic', 'e/novel', null],
  ])('%s/%s is %s: the widest of all that match', (vault, name, right) => {
    expect(rightOn(grants, vault, name)).toBe(right)
  })

  it('covers a vault with any grant in it', () => {
    expect(coversVault(grants, 'bob')).toBe(true)
    expect(coversVault(grants, 'carol')).toBe(false)
  })
})

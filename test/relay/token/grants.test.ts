import { describe, expect, it } from 'vitest'
import { RelayError } from '../../../relay/src/errors.ts'
import { coversVault, includesRight, parseGrant, type Right, rightOn } from '../../../relay/src/token/grants.ts'

describe('a grant', () => {
  it.each([
    ['alice/*:write', { vault: 'alice', name: '', prefix: true, right: 'write' }],
    ['alice/novel:read', { vault: 'alice', name: 'novel', prefix: false, right: 'read' }],
    ['alice/shared-*:read', { vault: 'alice', name: 'shared-', prefix: true, right: 'read' }],
    ['alice/*:delete', { vault: 'alice', name: '', prefix: true, right: 'delete' }],
    ['alice/a:b/c:write', { vault: 'alice', name: 'a:b/c', prefix: false, right: 'write' }],
    ['alice/*x:read', { vault: 'alice', name: '*x', prefix: false, right: 'read' }],
    ['alice/Übung ☃:read', { vault: 'alice', name: 'Übung ☃', prefix: false, right: 'read' }],
  ])('%s is read', (text, grant) => {
    expect(parseGrant(text)).toEqual(grant)
  })

  it.each([
    ['', 'must end in :read, :write or :delete'],
    ['alice/*', 'must end in :read, :write or :delete'],
    ['alice/*:admin', 'must end in :read, :write or :delete'],
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
  const grants = ['alice/*:read', 'alice/shared-*:write', 'bob/diary:read', 'alice/shared-bin*:delete'].map(parseGrant)

  it.each([
    ['alice', 'novel', 'read'],
    ['alice', 'shared-list', 'write'],
    ['alice', 'shared-', 'write'],
    ['alice', 'shared-bin/old', 'delete'],
    ['bob', 'diary', 'read'],
    ['bob', 'diary2', null],
    ['bob', 'diar', null],
    ['carol', 'diary', null],
    ['alic', 'e/novel', null],
  ])('%s/%s is %s: the widest of all that match', (vault, name, right) => {
    expect(rightOn(grants, vault, name)).toBe(right)
  })

  it.each([
    ['read', 'read'],
    ['write', 'read write'],
    ['delete', 'read write delete'],
    [null, ''],
  ] as const)('%s includes %s', (granted, included) => {
    const all: readonly Right[] = ['read', 'write', 'delete']
    expect(all.filter((needed) => includesRight(granted, needed)).join(' ')).toBe(included)
  })

  it('covers a vault with any grant in it', () => {
    expect(coversVault(grants, 'bob')).toBe(true)
    expect(coversVault(grants, 'carol')).toBe(false)
  })
})

// Tokens as jose makes and breaks them: minted, verified, remembered, and each refusal in its own words.
import { randomBytes } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { TokenError, Tokens, type VerifiedToken } from '../../../relay/src/token/tokens.ts'

const SECRET = new Uint8Array(randomBytes(32))
const NOW_MS = 1_800_000_000_000
const HOUR_MS = 3_600_000

function sign(claims: Record<string, unknown>, algorithm = 'HS256', secret: Uint8Array = SECRET): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm }).sign(secret)
}

async function refusal(token: string, nowMs: number = NOW_MS): Promise<string> {
  try {
    await new Tokens(SECRET, 10).verify(token, nowMs)
  } catch (error) {
    if (error instanceof TokenError) return error.message
    throw error
  }
  return 'none'
}

describe('a minted token', () => {
  it('carries its grants and its subject until it expires', async () => {
    const tokens = new Tokens(SECRET, 10)
    const token = await tokens.mint(['alice/*:write', 'bob/x:read'], 'alice', NOW_MS, HOUR_MS)
    const verified: VerifiedToken = await tokens.verify(token, NOW_MS)
    expect(verified).toEqual({
      subject: 'alice',
      grants: [
        { vault: 'alice', name: '', prefix: true, right: 'write' },
        { vault: 'bob', name: 'x', prefix: false, right: 'read' },
      ],
      expiresAtMs: NOW_MS + HOUR_MS,
    })
    expect(await refusal(token, NOW_MS + HOUR_MS - 1)).toBe('none')
    expect(await refusal(token, NOW_MS + HOUR_MS)).toBe('The token has expired')
  })

  it('is not made of bad grants, or of none, or for no time', async () => {
    const tokens = new Tokens(SECRET, 10)
    await expect(tokens.mint([], '', NOW_MS, HOUR_MS)).rejects.toMatchObject({ code: 'BAD_GRANT' })
    await expect(tokens.mint(['alice'], '', NOW_MS, HOUR_MS)).rejects.toMatchObject({ code: 'BAD_GRANT' })
    await expect(tokens.mint(['alice/*:read'], '', NOW_MS, 0)).rejects.toMatchObject({ option: 'expiresInMs' })
  })
})

describe('a token that is refused says why', () => {
  const grants = ['alice/*:write']
  const exp = NOW_MS / 1000 + 60

  it('absent', async () => expect(await refusal('')).toBe('There is no token'))

  it('malformed', async () => {
    expect(await refusal('abc')).toContain('malformed')
    expect(await refusal('a.b.c')).toContain('malformed')
  })

  it('signed with another secret', async () => {
    const other = await sign({ tidemark: grants, exp }, 'HS256', new Uint8Array(randomBytes(32)))
    expect(await refusal(other)).toContain('signature')
  })

  it('with another algorithm, or none', async () => {
    expect(await refusal(await sign({ tidemark: grants, exp }, 'HS512', new Uint8Array(randomBytes(64))))).toContain(
      'HS256',
    )
    const unsecured = new UnsecuredJWT({ tidemark: grants, exp }).encode()
    expect(await refusal(unsecured)).not.toBe('none')
  })

  it('without grants', async () => {
    expect(await refusal(await sign({ exp }))).toContain('no grants')
    expect(await refusal(await sign({ tidemark: [], exp }))).toContain('no grants')
    expect(await refusal(await sign({ tidemark: 'alice/*:write', exp }))).toContain('no grants')
    expect(await refusal(await sign({ tidemark: [1], exp }))).toContain('list of texts')
    expect(await refusal(await sign({ tidemark: ['alice/*'], exp }))).toContain("'alice/*'")
    expect(await refusal(await sign({ tidemark: Array(101).fill('alice/*:read'), exp }))).toContain('more than 100')
  })

  it('without an expiry, or not valid yet', async () => {
    expect(await refusal(await sign({ tidemark: grants }))).toContain('expires')
    expect(await refusal(await sign({ tidemark: grants, exp, nbf: exp - 1 }))).toContain('not valid yet')
  })

  it('without repeating any of it', async () => {
    const token = await sign({ tidemark: grants, exp }, 'HS256', new Uint8Array(randomBytes(32)))
    expect(await refusal(token)).not.toContain(token.slice(0, 10))
  })
})

describe('verified tokens', () => {
  it('are remembered until they expire: then they are judged at once', async () => {
    const tokens = new Tokens(SECRET, 10)
    const token = await tokens.mint(['alice/*:write'], '', NOW_MS, HOUR_MS)
    const first = tokens.verify(token, NOW_MS)
    expect(first).toBeInstanceOf(Promise)
    expect(tokens.verify(token, NOW_MS)).toBe(first)
    const known = await first
    expect(tokens.verify(token, NOW_MS)).toBe(known)
    expect(() => tokens.verify(token, NOW_MS + HOUR_MS)).toThrow('expired')
  })

  it('are forgotten, the least recently used first, when there are too many', async () => {
    const tokens = new Tokens(SECRET, 2)
    const [a = '', b = '', c = ''] = await Promise.all(
      ['a', 'b', 'c'].map((subject) => tokens.mint(['alice/*:read'], subject, NOW_MS, HOUR_MS)),
    )
    await tokens.verify(a, NOW_MS)
    await tokens.verify(b, NOW_MS)
    await tokens.verify(a, NOW_MS)
    await tokens.verify(c, NOW_MS)
    expect(tokens.verify(a, NOW_MS)).not.toBeInstanceOf(Promise)
    expect(tokens.verify(c, NOW_MS)).not.toBeInstanceOf(Promise)
    const again = tokens.verify(b, NOW_MS)
    expect(again).toBeInstanceOf(Promise)
    await again
  })

  it('that were refused are not remembered', async () => {
    const tokens = new Tokens(SECRET, 10)
    await expect(tokens.verify('a.b.c', NOW_MS)).rejects.toThrow(TokenError)
    await expect(tokens.verify('a.b.c', NOW_MS)).rejects.toThrow(TokenError)
  })
})

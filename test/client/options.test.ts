// What an app gets wrong in options, ids and arguments: each error names what is wrong and what it must be, before anything
// is sent.
import { keyRing, memoryStore, newKey, type SyncOptions, Tidemark, type TidemarkOptions } from '@tidemark/client'
import { Tidemark as NodeTidemark } from '@tidemark/client/node'
import { describe, expect, it } from 'vitest'
import { NOVEL, RELAY_URL, World } from '../support/world.ts'

/** As an app without types passes it. */
function made(options: unknown): Tidemark {
  return new Tidemark(options as TidemarkOptions)
}

function badOption(words: string): unknown {
  return expect.objectContaining({ code: 'BAD_OPTION', action: 'fix-app', message: expect.stringContaining(words) })
}

const token = 'alice/*:write'

describe('options that are wrong', () => {
  it.each<[name: string, options: unknown, words: string]>([
    ['none', undefined, 'store must be a DeviceStore'],
    ['a misspelt encryption', { encrypt: { keys: keyRing([newKey()]) } }, 'no option encrypt; there are store, relays'],
    ['a misspelt relays', { relay: [RELAY_URL] }, 'no option relay;'],
    ['relays as a text', { relays: RELAY_URL, token }, 'relays must be an array'],
    ['no relay in relays', { relays: [null], token }, 'relays[0]: there must be an object with url'],
    ['a misspelt url', { relays: [{ uri: RELAY_URL }], token }, 'relays[0]: there is no option uri'],
    ['an URL object', { relays: [{ url: new URL(RELAY_URL) }], token }, 'relays[0].url must be a base URL'],
    ['http', { relays: ['http://relay.test'], token }, 'ws:// for http://, wss:// for https://'],
    ['https', { relays: [{ url: 'https://relay.test' }], token }, 'relays[0].url must be'],
    ['a host alone', { relays: ['relay.test'], token }, 'relays[0] must be a base URL such as wss://relay.example.org'],
    ['the path of the protocol', { relays: [`${RELAY_URL}/v1/sync/`], token }, 'without /v1/sync'],
    ['a query', { relays: [`${RELAY_URL}/?a=b`], token }, 'relays[0] must be a base URL'],
    ['a port that is none', { relays: ['ws://relay.test:99999/base'], token }, 'relays[0] must be a base URL'],
    ['one relay twice', { relays: [RELAY_URL, `${RELAY_URL}/`], token }, 'relays must be different'],
    ['no token', { relays: [RELAY_URL] }, `token must be a text, or a function that gives one, for ${RELAY_URL}`],
    ['a token that is a promise', { relays: [RELAY_URL], token: Promise.resolve(token) }, 'token must be'],
    ['a token of its own that is none', { relays: [{ url: RELAY_URL, token: 7 }], token }, 'token must be'],
    ['a mirror that is no list', { mirror: 'alice' }, 'mirror must be an array'],
    ['a vault that is none', { mirror: ['alice/*'] }, 'mirror[0] must be a vault name'],
    ['a schedule that is none', { schedule: 30_000 }, 'schedule must be false, or an object'],
    ['a misspelt schedule', { schedule: { every: 5 } }, 'schedule: there is no option every; there are everyMs'],
    ['milliseconds as a text', { schedule: { everyMs: '5' } }, 'schedule.everyMs must be a number'],
    ['keys without a ring', { encryption: { keys: [newKey()] } }, 'encryption.keys must be a KeyRing'],
    ['a misspelt platform', { platform: { websocket: null } }, 'platform: there is no option websocket'],
  ])('%s', (_name, options, words) => {
    const withStore = options === undefined ? options : { store: memoryStore(), ...(options as object) }
    expect(() => made(withStore)).toThrow(badOption(words) as Error)
  })

  it.each<[name: string, options: Partial<TidemarkOptions>]>([
    [
      'a base path, with or without a slash at its end',
      { relays: ['wss://relay.test/base/', 'ws://[::1]:4848'], token },
    ],
    ['a token for each relay', { relays: [{ url: RELAY_URL, token: () => token }] }],
    ['no relay, and no token', {}],
    ['a token that comes later', { relays: [RELAY_URL], token: '' }],
    ['what is undefined', { relays: undefined, token: undefined, encryption: undefined } as object],
    ['what is undefined in a schedule', { relays: [RELAY_URL], token, schedule: { everyMs: undefined } as object }],
  ])('%s is right', async (_name, options) => {
    await new Tidemark({ store: memoryStore(), schedule: false, ...options }).close()
  })
})

it('a part of the platform that is undefined is that of the SDK', async () => {
  const device = new World().device(undefined, { platform: { now: undefined, random: undefined } as object })
  await device.type('typed')
  await device.tidemark.flush()
  expect(device.tidemark.status.safety).toBe('on-device')
})

it('a WebSocket that is undefined, as the global one of Node 20, is that of ws in Node', async () => {
  const relays = [{ url: 'ws://127.0.0.1:1', carrier: 'websocket' as const }]
  const platform = { WebSocket: undefined } as object
  const tidemark = new NodeTidemark({ store: memoryStore(), relays, token, schedule: false, platform })
  await expect(tidemark.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
  await tidemark.close()
})

describe('arguments that are wrong', () => {
  const tidemark = new Tidemark({ store: memoryStore() })

  it.each<[name: string, id: unknown, words: string]>([
    ['nothing', undefined, 'A document id is a text such as alice/novel, not undefined'],
    ['a number', 5, 'not 5'],
    ['no vault', 'moby-dick', 'no slash between vault and name, in "moby-dick"'],
  ])('an id that is %s', async (_name, id, words) => {
    const error = { code: 'BAD_ID', message: expect.stringContaining(words) }
    for (const call of ['open', 'forget', 'delete'] as const)
      await expect(tidemark[call](id as string)).rejects.toMatchObject(error)
  })

  it('a vault that is an id, or nothing', async () => {
    for (const vault of [NOVEL, undefined])
      await expect(tidemark.list(vault as string)).rejects.toMatchObject({ code: 'BAD_ID' })
  })

  it.each<[options: unknown, words: string]>([
    [{ document: [NOVEL] }, 'sync: there is no option document; there are budgetMs'],
    [null, 'sync: there must be an object'],
    [{ documents: NOVEL }, 'documents must be an array'],
    [{ vaults: 'alice' }, 'vaults must be an array'],
    [{ vaults: ['a b'] }, 'vaults[0] must be a vault name'],
    [{ signal: 5 }, 'signal must be an AbortSignal'],
    [{ onProgress: true }, 'onProgress must be a function'],
    [{ budgetMs: '5' }, 'budgetMs must be a number'],
  ])('sync(%j)', async (options, words) => {
    await expect(tidemark.sync(options as SyncOptions)).rejects.toEqual(badOption(words))
  })
})

describe('a token source', () => {
  it.each([undefined, null, { token }])('that gives %j is named, and what was typed stays', async (given) => {
    const device = new World().device(undefined, { token: () => given as unknown as string })
    await device.type('typed')
    await expect(device.sync()).rejects.toEqual(badOption("the app's token source gave"))
    expect(device.tidemark.status).toMatchObject({ safety: 'on-device', problem: { code: 'BAD_OPTION' } })
  })
})

it('a relay that cannot be connected to leaves no burst under way', async () => {
  const connect = function connect(): never {
    throw new SyntaxError('Invalid URL')
  }
  const device = new World().device(undefined, { platform: { WebSocket: connect as never, fetch: null } })
  await device.type('typed')
  await expect(device.sync()).rejects.toMatchObject({ code: 'BAD_OPTION' })
  expect(device.tidemark.status).toMatchObject({ activity: 'stuck', progress: null })
})

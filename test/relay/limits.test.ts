import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { completeLimits, DEFAULT_LIMITS } from '../../relay/src/limits.ts'
import { completeOptions, type RelayOptions } from '../../relay/src/options.ts'
import { memoryRelayStore } from '../../relay/src/store/memory.ts'

describe('limits', () => {
  it('are the defaults with what is given over them', () => {
    expect(completeLimits()).toEqual(DEFAULT_LIMITS)
    const given = { connectionsMax: 5, originsAllowed: ['https://example.org/app'] }
    expect(completeLimits(given)).toEqual({
      ...DEFAULT_LIMITS,
      connectionsMax: 5,
      originsAllowed: ['https://example.org'],
    })
  })

  it.each([
    [{ connectionsMax: 0 }, 'limits.connectionsMax'],
    [{ connectionsMax: 1.5 }, 'limits.connectionsMax'],
    [{ idleTimeoutMs: Number.NaN }, 'limits.idleTimeoutMs'],
    [{ messageBytesMax: 2 ** 20 + 1 }, 'limits.messageBytesMax'],
    [{ channelsMax: 1_025 }, 'limits.channelsMax'],
    [{ connectionsMax: '5' as unknown as number }, 'limits.connectionsMax'],
    [{ originsAllowed: ['example'] }, 'limits.originsAllowed'],
    [{ toString: 3 } as object, 'limits.toString'],
    [{ conectionsMax: 3 } as object, 'limits.conectionsMax'],
  ])('%o are refused by name', (limits, option) => {
    expect(() => completeLimits(limits)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', option }))
  })
})

describe('options', () => {
  const store = memoryRelayStore()
  const bad: readonly (readonly [string, RelayOptions])[] = [
    ['data', {}],
    ['data', { data: '' }],
    ['store', { data: 'somewhere', store }],
    ['port', { store, port: 65_536 }],
    ['port', { store, port: 1.5 }],
    ['host', { store, host: '' }],
    ['host', { store, server: createServer(), host: '127.0.0.1' }],
    ['port', { store, server: createServer(), port: 1 }],
    ['server', { store, server: {} as never }],
    ['basePath', { store, basePath: 'relay' }],
    ['basePath', { store, basePath: '/relay/' }],
    ['secret', { store, secret: new Uint8Array(31) }],
    ['limits.connectionsMax', { store, limits: { connectionsMax: -1 } }],
  ]
  it.each(bad)('%s is named when it is wrong', (option, options) => {
    expect(() => completeOptions(options)).toThrow(
      expect.objectContaining({ name: 'RelayError', code: 'BAD_OPTION', option }),
    )
  })

  it('are completed', () => {
    expect(completeOptions({ store })).toMatchObject({
      source: { store },
      place: { host: '127.0.0.1', port: 0 },
      basePath: '',
      secret: null,
      limits: DEFAULT_LIMITS,
    })
  })
})

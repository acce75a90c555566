import { memoryStore, Tidemark } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { memoryRelayStore } from '../../relay/src/store/memory.ts'
import { MemoryRelay } from '../support/memory-network.ts'

function device(relay: MemoryRelay, store = memoryStore()): Tidemark {
  return new Tidemark({
    store,
    relays: ['ws://relay.test'],
    token: 'alice/*:write',
    schedule: false,
    platform: { WebSocket: relay.WebSocket, fetch: null },
  })
}

describe('a burst', () => {
  it('brings what was typed on one device to another', async () => {
    const relay = new MemoryRelay({ store: memoryRelayStore() })
    const left = device(relay)
    const right = device(relay)
    const a = await left.open('alice/novel')
    a.doc.getText('t').insert(0, 'Call me Ishmael.')
    expect(a.status.safety).toBe('unsaved')
    await a.flush()
    expect(a.status.safety).toBe('on-device')
    const report = await left.sync()
    expect(report).toMatchObject({ complete: true, stopped: null })
    expect(a.status).toMatchObject({ safety: 'on-relay', unsentBytes: 0, unsentSince: null, activity: 'idle' })
    const b = await right.open('alice/novel')
    expect(b.doc.getText('t').toString()).toBe('')
    expect((await right.sync()).complete).toBe(true)
    expect(b.doc.getText('t').toString()).toBe('Call me Ishmael.')
    expect(relay.openSockets).toBe(0)
    await left.close()
    await right.close()
  })
})

import { memoryStore, Tidemark, TidemarkError } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { NOVEL, RELAY_URL, World } from '../support/world.ts'

describe('the status', () => {
  it('goes unsaved, on-device, on-relay, and tells each step once', async () => {
    const world = new World()
    const device = world.device()
    const novel = await device.open()
    const told: string[] = []
    novel.subscribe(({ safety }) => told.push(safety))
    expect(novel.status).toMatchObject({ safety: 'on-device', unsentBytes: 0, unsentSince: null, lastSyncedAt: null })
    novel.doc.getText('t').insert(0, 'a')
    expect(novel.status.safety).toBe('unsaved')
    expect(device.tidemark.status).toMatchObject({ safety: 'unsaved', documentsUnsent: 1 })
    await device.tidemark.flush()
    expect(novel.status).toMatchObject({ safety: 'on-device', unsentSince: expect.any(Number) })
    expect(novel.status.unsentBytes).toBeGreaterThan(0)
    await device.sync()
    expect(novel.status).toMatchObject({ safety: 'on-relay', unsentBytes: 0, unsentSince: null, activity: 'idle' })
    expect(novel.status.relays[RELAY_URL]).toMatchObject({ safety: 'on-relay', problem: null })
    expect(device.tidemark.status).toMatchObject({ safety: 'on-relay', documentsUnsent: 0 })
    expect(told.filter((safety, i) => safety !== told[i - 1])).toEqual(['unsaved', 'on-device', 'on-relay'])
  })

  it('is frozen, and the same object until something changes', async () => {
    const world = new World()
    const device = world.device()
    const novel = await device.open()
    await device.sync()
    const [before, sum] = [novel.status, device.tidemark.status]
    expect(Object.isFrozen(before) && Object.isFrozen(before.relays) && Object.isFrozen(sum)).toBe(true)
    await Promise.resolve()
    expect(novel.status).toBe(before)
    expect(device.tidemark.status).toBe(sum)
    novel.doc.getText('t').insert(0, 'a')
    expect(novel.status).not.toBe(before)
  })

  it('is the same object also while something is wrong', async () => {
    const world = new World()
    const device = world.device()
    await world.append(Uint8Array.of(1, 2, 3))
    const novel = await device.open()
    await device.sync()
    const told: unknown[] = []
    novel.subscribe((status) => told.push(status))
    expect(novel.status.problem).toMatchObject({ code: 'CANNOT_APPLY', action: 'update-app' })
    expect(novel.status).toBe(novel.status)
    expect(device.tidemark.status).toBe(device.tidemark.status)
    await device.sync()
    const safeties = told.map((status) => JSON.stringify(status))
    expect(safeties.filter((status, i) => status === safeties[i - 1])).toEqual([])
  })

  it('says what is wrong while no relay can be reached, and forgets it afterwards', async () => {
    const world = new World()
    const device = world.device()
    await device.type('x')
    world.relay.isUp = false
    await expect(device.sync()).rejects.toMatchObject({ code: 'OFFLINE', retryable: true, relay: RELAY_URL })
    const novel = await device.open()
    expect(novel.status).toMatchObject({ safety: 'on-device', problem: { code: 'OFFLINE' } })
    world.relay.isUp = true
    await device.sync()
    expect(novel.status).toMatchObject({ safety: 'on-relay', problem: null })
  })

  it('knows of unsent edits in documents that are not open, also after a restart', async () => {
    const world = new World()
    const device = world.device()
    await device.type('x')
    const novel = await device.open()
    await novel.close()
    expect(device.tidemark.status).toMatchObject({ safety: 'on-device', documentsUnsent: 1 })
    device.crash()
    await device.tidemark.list('alice')
    expect(device.tidemark.status).toMatchObject({ safety: 'on-device', documentsUnsent: 1 })
    const report = await device.sync()
    expect(report.relays[0]?.documents).toMatchObject([{ id: NOVEL, outcome: 'synced', entriesPushed: 1 }])
    expect(device.tidemark.status).toMatchObject({ safety: 'on-relay', documentsUnsent: 0 })
  })

  it('does not call an edit safe that was made while its burst was under way', async () => {
    const world = new World()
    const device = world.device()
    await device.type('before ')
    const novel = await device.open()
    const burst = device.sync()
    await novel.flush()
    await new Promise((resolve) => setImmediate(resolve))
    novel.doc.getText('t').insert(0, 'during ')
    await burst
    await novel.flush()
    const isOnRelay = (await world.log()).length === 2
    expect(novel.status.safety).toBe(isOnRelay ? 'on-relay' : 'on-device')
    expect((await device.sync()).complete).toBe(true)
    expect(novel.status.safety).toBe('on-relay')
  })

  it('names a document that the token does not cover, and leaves the others alone', async () => {
    const world = new World()
    const device = world.device()
    await device.type('mine')
    const foreign = await device.open('bob/diary')
    foreign.doc.getText('t').insert(0, 'not allowed')
    const report = await device.sync()
    expect(report.complete).toBe(false)
    expect(report.relays[0]?.documents).toContainEqual(
      expect.objectContaining({
        id: 'bob/diary',
        outcome: 'failed',
        error: expect.objectContaining({ code: 'DENIED' }),
      }),
    )
    expect((await device.open()).status.safety).toBe('on-relay')
    expect(foreign.status).toMatchObject({ safety: 'on-device', activity: 'stuck', problem: { code: 'DENIED' } })
  })
})

describe('a Tidemark', () => {
  it('names the option that is wrong', () => {
    const store = memoryStore()
    const wrong: [object, string][] = [
      [{}, 'store'],
      [{ store, relays: ['http://x'] }, 'relays[0]'],
      [{ store, relays: [{ url: 'ws://x', carrier: 'pigeon' }] }, 'relays[0].carrier'],
      [{ store, relays: ['ws://x', 'ws://x'] }, 'relays'],
      [{ store, schedule: { everyMs: 0 } }, 'schedule.everyMs'],
      [{ store, mirror: ['a/b'] }, 'mirror[0]'],
      [{ store, compaction: 'sometimes' }, 'compaction'],
      [{ store, encryption: {} }, 'encryption.keys'],
    ]
    for (const [options, name] of wrong) {
      const error = thrownBy(() => new Tidemark(options as never))
      expect(error).toMatchObject({ code: 'BAD_OPTION', retryable: false })
      expect(error.message).toContain(`${name} must`)
    }
  })

  it('gives the same document for the same id until it is closed, and refuses ids that are none', async () => {
    const device = new World().device()
    const [first, second] = await Promise.all([device.open(), device.open()])
    expect(second).toBe(first)
    await first.close()
    expect(await device.open()).not.toBe(first)
    for (const id of [
      '',
      'alice',
      'alice/',
      '/x',
      'al ice/x',
      'alice/\u0007',
      'alice/\ud800',
      `alice/${'x'.repeat(600)}`,
    ]) {
      await expect(device.open(id)).rejects.toMatchObject({ code: 'BAD_ID', documentId: id })
    }
  })

  it('refuses everything after close, which is idempotent and loses nothing', async () => {
    const world = new World()
    const device = world.device()
    await device.type('kept')
    await Promise.all([device.tidemark.close(), device.tidemark.close()])
    await expect(device.open()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(device.sync()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await world.device(device.disk).text()).toBe('kept')
  })

  it('forgets a document only when a relay has it, or when told to', async () => {
    const world = new World()
    const device = world.device()
    await device.type('precious')
    await device.tidemark.flush()
    await expect(device.tidemark.forget(NOVEL)).rejects.toMatchObject({ code: 'UNSENT', documentId: NOVEL })
    await device.sync()
    await device.tidemark.forget(NOVEL)
    expect(await device.tidemark.list('alice')).toEqual([{ id: NOVEL, onDevice: false, deleted: false }])
    expect(await device.text()).toBe('')
    await device.sync()
    expect(await device.text()).toBe('precious')
  })

  it('without relays holds the only copy, and forgets nothing unasked', async () => {
    const tidemark = new Tidemark({ store: memoryStore() })
    ;(await tidemark.open(NOVEL)).doc.getText('t').insert(0, 'the only copy')
    await expect(tidemark.forget(NOVEL)).rejects.toMatchObject({ code: 'UNSENT' })
    await tidemark.forget(NOVEL, { discardUnsent: true })
    expect(await tidemark.list('alice')).toEqual([])
    expect(await tidemark.sync()).toMatchObject({ complete: true, relays: [] })
  })
})

function thrownBy(act: () => unknown): TidemarkError {
  try {
    act()
  } catch (error) {
    if (error instanceof TidemarkError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

// What the novel examples say of a status: never more than is true, and what the writer can do.
import { type SyncStatus, TidemarkError } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { statusWords } from '../../examples/novel-web/src/status-words.ts'

const SYNCED: SyncStatus = {
  safety: 'on-relay',
  activity: 'idle',
  unsentBytes: 0,
  unsentSince: null,
  lastSyncedAt: Date.UTC(2026, 1, 3, 12),
  problem: null,
  relays: {},
  documentsUnsent: 0,
  progress: null,
}
const UNSENT: SyncStatus = { ...SYNCED, safety: 'on-device', unsentSince: Date.UTC(2026, 1, 4, 12), documentsUnsent: 1 }

const words = (status: Partial<SyncStatus>, isConnected = true, isOnline = true): ReturnType<typeof statusWords> =>
  statusWords({ ...SYNCED, ...status }, isConnected, isOnline)
const problem = (code: ConstructorParameters<typeof TidemarkError>[0]): TidemarkError =>
  new TidemarkError(code, 'What the SDK says')

describe('the words of a status', () => {
  it('say where the work is', () => {
    expect(words({})).toMatchObject({ kind: 'there', headline: 'Saved and backed up' })
    expect(words({ safety: 'confirmed' })).toMatchObject({ kind: 'there', headline: 'Saved on your devices' })
    expect(words(UNSENT)).toMatchObject({ kind: 'here', headline: 'Saved on this device' })
    expect(words({ ...UNSENT, safety: 'unsaved' })).toMatchObject({ kind: 'here', headline: 'Saving…' })
  })

  it('say since when it is here alone, and that it goes out by itself', () => {
    expect(words(UNSENT).detail).toMatch(/^Changes since .*2026.* are only on this device, and go out in a moment\./)
    expect(words({ ...UNSENT, problem: problem('OFFLINE') }, true, false).detail).toMatch(
      /^You are offline\. Changes since .*2026/,
    )
    expect(words({}, false).detail).toMatch(/^Nowhere else yet/)
  })

  it('do not say of what is in memory alone that it is on this device, or on its way to others', () => {
    for (const now of [null, problem('OFFLINE')]) {
      const { detail } = words({ safety: 'unsaved', documentsUnsent: 1, problem: now })
      expect(detail).toMatch(/^What you typed last is being saved on this device\./)
    }
  })

  it('do not make a problem of being offline', () => {
    const { kind, headline, detail } = words({ problem: problem('OFFLINE') }, true, false)
    expect([kind, headline]).toEqual(['there', 'Saved and backed up'])
    expect(detail).toMatch(/^You are offline\. Write on/)
  })

  it('do not say that a writer is offline because the relay is', () => {
    expect(words({ problem: problem('OFFLINE') }).detail).toMatch(/^The relay does not answer\. Write on/)
    expect(words({ ...UNSENT, problem: problem('TIMEOUT') }).detail).toMatch(
      /^The relay does not answer\. Changes since .*2026.* are only on this device, and go out by themselves/,
    )
    expect(words({ ...UNSENT, problem: problem('RATE') }).detail).toMatch(/^The relay has a bad moment\. Changes since/)
  })

  it('say what helps against what does not pass', () => {
    expect(words({ ...UNSENT, safety: 'unsaved', problem: problem('STORE_FULL') }, false)).toMatchObject({
      kind: 'trouble',
      headline: 'Not saved',
      detail: expect.stringMatching(/^This device is full/),
    })
    expect(words({ ...UNSENT, problem: problem('TOKEN') }).detail).toMatch(/^The relay no longer takes this token/)
    expect(words({ problem: problem('UNKNOWN_KEY') }).detail).toMatch(/passphrase/)
    expect(words({ problem: problem('DIVERGED') }).detail).toBe('What the SDK says.')
  })

  it('say how far a burst is', () => {
    const progress = { bytesDone: 1, bytesTotal: 2, documentsDone: 3, documentsTotal: 7 }
    expect(words({ progress }).detail).toMatch(/^Syncing, 3 of 7\./)
  })
})

// What the demo's page says of a device, without a browser: where the words are, what is wrong, and what helps.
import { type DocumentStatus, type ErrorCode, TidemarkError } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { type Situation, statusWords } from '../../examples/demo/src/page/words.ts'

const SAFE: DocumentStatus = {
  safety: 'on-relay',
  activity: 'idle',
  unsentBytes: 0,
  unsentSince: null,
  lastSyncedAt: 1,
  problem: null,
  relays: {},
}
const UNSENT: DocumentStatus = { ...SAFE, safety: 'on-device', unsentBytes: 9, unsentSince: 1 }

const problem = (code: ErrorCode, relay: string | null = null): TidemarkError => new TidemarkError(code, '', { relay })

function wordsOf(
  status: DocumentStatus,
  [first, second]: readonly [TidemarkError | null, TidemarkError | null] = [null, null],
  situation: Partial<Situation> = {},
): string {
  const hasAll = status.safety === 'on-relay'
  const { kind, headline, detail } = statusWords({
    status: { ...status, problem: status.problem ?? first ?? second },
    isOnline: true,
    edits: { count: 2, areAll: true },
    relays: [
      { name: 'first', hasAll: hasAll && first === null, problem: first },
      { name: 'second', hasAll: hasAll && second === null, problem: second },
    ],
    progress: null,
    isEmpty: false,
    ...situation,
  })
  return `${kind}. ${headline.replace(/ since .*/, '')}. ${detail}`
}

describe('the words of a status', () => {
  it.each([
    ['OFFLINE', 'partly. Everything is on the first relay. The second relay does not answer. Trying again.'],
    ['STORAGE', 'partly. Everything is on the first relay. The second relay has a bad moment. Trying again.'],
    ['QUOTA', 'partly. Everything is on the first relay. The second relay is full.'],
    ['TOKEN', 'partly. Everything is on the first relay. The second relay does not let this device in.'],
    ['MALFORMED', 'partly. Everything is on the first relay. The second relay has a problem.'],
  ] as const)('name the relay that has %s', (code, expected) => {
    expect(wordsOf(SAFE, [null, problem(code, 'second')])).toBe(expected)
  })

  it.each([
    ['OFFLINE', 'Neither relay answers. Safe here; trying again.'],
    ['QUOTA', 'There is no room left on the relay. What you wrote stays on this device.'],
    ['TOKEN', 'You are not let in any more. Load this page anew to sign in.'],
    ['READ_ONLY', 'You may not write here. What you wrote stays on this device.'],
  ] as const)('say what helps when all relays have %s', (code, expected) => {
    const words = wordsOf(UNSENT, [problem(code, 'first'), problem(code, 'second')])
    expect(words).toBe(`trouble. 2 edits only on this device. ${expected}`)
  })

  it('say what helps against what is wrong on the device', () => {
    const locked = problem('UNKNOWN_KEY')
    expect(wordsOf({ ...SAFE, problem: locked })).toMatch(
      /^trouble\. Some of this text is locked\. The key is not here/,
    )
    expect(wordsOf({ ...UNSENT, problem: locked })).toMatch(/^trouble\. 2 edits only on this device\. The key is not/)
    const full: DocumentStatus = { ...UNSENT, safety: 'unsaved', problem: problem('STORE_FULL') }
    expect(wordsOf(full)).toMatch(/^trouble\. The newest words are not stored\. This device is full/)
  })

  it('say that a device is offline, and not that relays do not answer', () => {
    const silent = [problem('OFFLINE', 'first'), problem('OFFLINE', 'second')] as const
    const isOnline = false
    expect(wordsOf(UNSENT, silent, { isOnline })).toMatch(/^device\. Offline: 2 edits only on this device\. Safe here;/)
    expect(wordsOf(SAFE, silent, { isOnline })).toMatch(/^relay\. .*\. Offline\. Write on/)
  })

  it('say how far a long burst is', () => {
    const progress = { bytesDone: 1_200, bytesTotal: 240_000, documentsDone: 0, documentsTotal: 2 }
    expect(wordsOf(UNSENT, [null, null], { progress })).toMatch(/Under way: 1\.2 kB of 240\.0 kB\.$/)
  })
})

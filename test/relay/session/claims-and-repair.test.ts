// Claims that are compared, what follows where they differ, REPAIR, and what is confirmed.
import type { Claim, FrameOf, Open } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { RelayStoreError } from '../../../relay/src/store/contract.ts'
import { CoreUnderTest, settled } from '../core.ts'
import { END, hello, NOTHING, names, only, open, payloadOf, payloadsIn, push } from '../device.ts'
import { begun, compacted, NOVEL, type Standing } from '../log.ts'

const WRITE = 'alice/*:write'
const NO_REPAIR = new Uint8Array(8)
const DAY_MS = 24 * 60 * 60 * 1000

class Claimant {
  readonly #relay: CoreUnderTest
  readonly #deviceId: Uint8Array
  readonly #grants: string

  constructor(relay: CoreUnderTest, letter: string, grants = WRITE) {
    this.#relay = relay
    this.#deviceId = payloadOf(letter, 16)
    this.#grants = grants
  }

  async open(fields: Partial<Open>, ...rest: readonly FrameOf<'REPAIR' | 'PUSH'>[]): Promise<FrameOf<'OPENED'>> {
    const identity = hello(this.#grants, { deviceId: this.#deviceId })
    return only(await this.#relay.burst([identity, open(1, NOVEL, fields), ...rest, END]), 'OPENED')
  }

  /** Claims at the mark of a standing; the generation that OPENED names then. */
  async claim({ mark }: Standing, digest: string, fields: Partial<Claim> = {}): Promise<Uint8Array> {
    const claim = { digest: payloadOf(digest, 16), profile: '1/13.6/', generation: NO_REPAIR, ...fields }
    return (await this.open({ mark, claim })).generation
  }
}

function repair(fingerprint: string): FrameOf<'REPAIR'> {
  return { type: 'REPAIR', channel: 1, reason: 'CANNOT_APPLY', fingerprint: payloadOf(fingerprint, 16) }
}

async function start(): Promise<{ relay: CoreUnderTest; standing: Standing; a: Claimant; b: Claimant }> {
  const relay = new CoreUnderTest()
  const standing = await begun(relay, 'one', 'two')
  return { relay, standing, a: new Claimant(relay, 'a'), b: new Claimant(relay, 'b') }
}

describe('claims', () => {
  it('that agree change nothing; that differ draw a new generation, named by the OPENED of the same round', async () => {
    const { relay, standing, a, b } = await start()
    expect(await a.claim(standing, 'same')).toEqual(NO_REPAIR)
    expect(await b.claim(standing, 'same')).toEqual(NO_REPAIR)
    const generation = await new Claimant(relay, 'c').claim(standing, 'other')
    expect(generation).not.toEqual(NO_REPAIR)
    expect((await a.open({})).generation).toEqual(generation)
    const feed = await relay.burst([hello(WRITE), { type: 'FEED', vault: 'alice', mark: NOTHING }, END])
    const synced = only(await relay.burst([hello(WRITE), open(1, NOVEL), END]), 'SYNCED')
    expect(only(feed, 'FEED_PAGE').documents).toEqual([{ documentId: NOVEL, tag: synced.tag, deleted: false }])
  })

  it('of one divergence draw one generation, however often it is found', async () => {
    const { standing, a, b } = await start()
    await a.claim(standing, 'a')
    const generation = await b.claim(standing, 'b')
    expect(await a.claim(standing, 'a', { generation })).toEqual(generation)
    expect(await b.claim(standing, 'b', { generation })).toEqual(generation)
  })

  it('are compared for a device whose mark is valid, and for no other', async () => {
    const { standing, a, b } = await start()
    await a.claim(standing, 'a')
    expect(await b.claim({ ...standing, mark: payloadOf('no bookmark', 38) }, 'b')).toEqual(NO_REPAIR)
    expect(await b.claim({ ...standing, mark: NOTHING }, 'b')).toEqual(NO_REPAIR)
  })

  it('that cannot be stored do not keep the document from being served', async () => {
    const { relay, standing } = await start()
    await begun(relay, 'three')
    relay.store.claim = () => Promise.reject(new RelayStoreError('STORAGE', 'disk full'))
    relay.store.repair = () => Promise.reject(new RelayStoreError('STORAGE', 'disk full'))
    const claim = { digest: payloadOf('a', 16), profile: '1/13.6/', generation: NO_REPAIR }
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL, { mark: standing.mark, claim }), repair('x'), END])
    expect(payloadsIn(frames)).toEqual(['three'])
    expect(names(frames.slice(-2))).toBe('SYNCED DONE')
    expect(relay.errorsLogged).toEqual(['the store failed', 'the store failed'])
  })
})

describe('case 30: claims that are not to be compared', () => {
  it('of two versions of Yjs, or of two digest keys', async () => {
    const { standing, a, b } = await start()
    expect(await a.claim(standing, 'a', { profile: '1/13.6/' })).toEqual(NO_REPAIR)
    expect(await b.claim(standing, 'b', { profile: '1/14.0/' })).toEqual(NO_REPAIR)
    expect(await b.claim(standing, 'c', { profile: '1/13.6/key' })).toEqual(NO_REPAIR)
  })

  it('left over from before a repair', async () => {
    const { standing, a, b } = await start()
    await a.claim(standing, 'a')
    const generation = await b.claim(standing, 'b')
    expect(await a.claim(standing, 'after the repair', { generation })).toEqual(generation)
    // Made before it, and sent after it: thrown away.
    expect(await b.claim(standing, 'b', { generation: NO_REPAIR })).toEqual(generation)
  })

  it('one’s own: it agrees with nobody', async () => {
    const { relay, standing, a } = await start()
    await a.claim(standing, 'a')
    await a.claim(standing, 'a')
    const judged = await relay.store.judge({
      documentId: NOVEL,
      incarnation: NOTHING,
      mark: NOTHING,
      receipt: NOTHING,
      create: false,
      partial: NOTHING,
    })
    expect(judged.agreedIndex).toBe(0)
    expect(judged.lastClaim?.device).toEqual(payloadOf('a', 16))
  })
})

describe('a claim is wanted', () => {
  it('at the head of every device but the one that claimed there last', async () => {
    const { standing, a, b } = await start()
    const { mark } = standing
    expect((await a.open({ mark })).claimWanted).toBe(false)
    await a.claim(standing, 'same')
    expect((await a.open({ mark })).claimWanted).toBe(false)
    expect((await b.open({ mark })).claimWanted).toBe(true)
    await b.claim(standing, 'same')
    expect((await b.open({ mark })).claimWanted).toBe(false)
    // A device makes no second claim at one mark: whoever has not made one yet is meant.
    expect((await a.open({ mark })).claimWanted).toBe(true)
  })

  it('after a day, after a compaction, and not in the round that brings one', async () => {
    const { relay, standing, a } = await start()
    const { mark } = standing
    relay.pass(DAY_MS)
    expect((await a.open({ mark })).claimWanted).toBe(true)
    const claim = { digest: payloadOf('a', 16), profile: '1/13.6/', generation: NO_REPAIR }
    expect((await a.open({ mark, claim })).claimWanted).toBe(false)
    expect((await a.open({ mark })).claimWanted).toBe(false)
    const grown = await begun(relay, 'three')
    expect((await a.open({ mark: grown.mark })).claimWanted).toBe(false)
    await compacted(relay, grown.mark, payloadOf('s', 3))
    expect((await a.open({ mark: grown.mark })).claimWanted).toBe(true)
  })

  it('of nobody who could not make one: after RESET, through a snapshot, or without pulling', async () => {
    const { relay, standing, a } = await start()
    await compacted(relay, standing.mark, payloadOf('s', 3))
    expect((await a.open({ mark: standing.mark })).claimWanted).toBe(true)
    expect((await a.open({ mark: standing.mark, pull: false })).claimWanted).toBe(false)
    expect((await a.open({ mark: payloadOf('no bookmark', 38) })).claimWanted).toBe(false)
    expect((await a.open({})).claimWanted).toBe(false)
  })
})

describe('REPAIR', () => {
  it('draws a new generation once for each fingerprint, before OPENED, and moves the feed row', async () => {
    const { standing, a, b } = await start()
    const { mark } = standing
    const { generation } = await a.open({ mark }, repair('x'))
    expect(generation).not.toEqual(NO_REPAIR)
    expect((await b.open({ mark }, repair('x'))).generation).toEqual(generation)
  })

  it('waits where the last one changed nothing: a minute, then twice as long', async () => {
    const { relay, standing, a } = await start()
    const { mark } = standing
    const first = (await a.open({ mark }, repair('x'))).generation
    const ask = async (fingerprint: string): Promise<Uint8Array> =>
      (await a.open({ mark }, repair(fingerprint))).generation
    expect(await ask('y')).toEqual(first)
    relay.pass(60_000)
    const second = await ask('y')
    expect(second).not.toEqual(first)
    relay.pass(60_000)
    expect(await ask('z')).toEqual(second)
    relay.pass(60_000)
    expect(await ask('z')).not.toEqual(second)
  })

  it('several in one round are made in turn, and judged once more', async () => {
    const { relay, standing, a } = await start()
    let judged = 0
    const judge = relay.store.judge.bind(relay.store)
    relay.store.judge = (request) => {
      judged += 1
      return judge(request)
    }
    const opened = await a.open({ mark: standing.mark }, repair('x'), repair('y'), repair('z'))
    expect(opened.generation).not.toEqual(NO_REPAIR)
    expect(judged).toBe(2)
  })

  it('is nothing where there is no log, or another', async () => {
    const relay = new CoreUnderTest()
    const a = new Claimant(relay, 'a')
    expect((await a.open({}, repair('x'))).status).toBe('NEW')
    await begun(relay, 'one')
    const reset = await a.open({ mark: payloadOf('no bookmark', 38) }, repair('x'))
    expect(reset).toMatchObject({ status: 'RESET', generation: NO_REPAIR })
  })
})

describe('confirmed', () => {
  const sync = async (relay: CoreUnderTest, letter: string, fields: Partial<Open>, ...texts: readonly string[]) => {
    const pushes = texts.map((text) => push(1, payloadOf(text)))
    const identity = hello(WRITE, { deviceId: payloadOf(letter, 16) })
    const frames = await relay.burst([identity, open(1, NOVEL, fields), ...pushes, END])
    return only(frames, 'SYNCED')
  }

  it('says that another device has presented a mark at or after the newest push', async () => {
    const relay = new CoreUnderTest()
    const pushed = await sync(relay, 'a', {}, 'one')
    expect(pushed.confirmed).toBe(false)
    const { mark } = pushed
    const own = { mark, receipt: mark }
    // The asker presents its own mark, and another device is only being given the entry.
    expect((await sync(relay, 'a', own)).confirmed).toBe(false)
    const taken = await sync(relay, 'b', {})
    expect((await sync(relay, 'a', own)).confirmed).toBe(false)
    await sync(relay, 'b', { mark: taken.mark })
    expect((await sync(relay, 'a', own)).confirmed).toBe(true)
    expect((await sync(relay, 'a', { ...own, pull: false })).confirmed).toBe(true)
    expect((await sync(relay, 'a', own, 'two')).confirmed).toBe(false)
  })

  it('counts no mark of an OPEN that was answered RESET', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await sync(relay, 'a', {}, 'one')
    await sync(relay, 'b', { mark, receipt: payloadOf('no bookmark', 38) })
    expect((await sync(relay, 'a', { mark, receipt: mark })).confirmed).toBe(false)
  })

  it('goes by the mark of a device that pushed nothing, and is forgotten with the process', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await sync(relay, 'a', {}, 'one')
    await sync(relay, 'b', { mark })
    expect((await sync(relay, 'c', { mark })).confirmed).toBe(true)
    expect((await sync(relay, 'c', {})).confirmed).toBe(true)
    const restarted = new CoreUnderTest({}, relay.store)
    expect((await sync(restarted, 'c', { mark })).confirmed).toBe(false)
    await settled()
  })
})

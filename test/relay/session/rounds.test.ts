// What a round answers, and in which order: OPENED, ACKs and entries in log order, MARK, SYNCED, FEED_PAGE, DONE.
import { describe, expect, it } from 'vitest'
import { CoreUnderTest } from '../core.ts'
import {
  all,
  decode,
  END,
  hello,
  NOTHING,
  names,
  only,
  open,
  payloadOf,
  payloadsIn,
  push,
  storePush,
} from '../device.ts'
import { begun } from '../log.ts'

const WRITE = 'alice/*:write'
const NOVEL = 'alice/novel'

describe('a first round', () => {
  it('answers push and pull with one message, WELCOME first and DONE last', async () => {
    const relay = new CoreUnderTest()
    const device = relay.connect()
    const frames = await device.round([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    expect(names(frames)).toBe('WELCOME OPENED ACK SYNCED DONE')
    expect(device.carrier.messages).toHaveLength(1)
    expect(device.closeCode).toBeNull()
    expect(only(frames, 'WELCOME').epoch).toEqual(relay.store.epoch)
    expect(only(frames, 'WELCOME').relayTimeMs).toBe(relay.nowMs)
  })

  it('says NEW with the incarnation that the push drew', async () => {
    const relay = new CoreUnderTest()
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    const { status, incarnation } = only(frames, 'OPENED')
    expect(status).toBe('NEW')
    expect(incarnation).toHaveLength(16)
    const judged = await relay.store.judge({
      documentId: NOVEL,
      incarnation,
      mark: NOTHING,
      receipt: NOTHING,
      create: false,
      partial: NOTHING,
    })
    expect(judged.incarnation).toEqual(incarnation)
  })

  it('says NEW and SYNCED with nothing where there is no log', async () => {
    const frames = await new CoreUnderTest().burst([hello(WRITE), open(1, NOVEL), END])
    expect(names(frames)).toBe('WELCOME OPENED SYNCED DONE')
    expect(only(frames, 'OPENED')).toMatchObject({ status: 'NEW', incarnation: NOTHING })
    expect(only(frames, 'SYNCED')).toMatchObject({ mark: NOTHING, tag: new Uint8Array(8) })
  })

  it('gives nothing but SYNCED to a device that is up to date', async () => {
    const relay = new CoreUnderTest()
    const first = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    const { mark } = only(first, 'SYNCED')
    const { incarnation } = only(first, 'OPENED')
    const receipt = only(first, 'ACK').receipt
    const again = await relay.burst([hello(WRITE), open(1, NOVEL, { incarnation, mark, receipt }), END])
    expect(names(again)).toBe('WELCOME OPENED SYNCED DONE')
    expect(only(again, 'OPENED').status).toBe('OK')
    expect(only(again, 'SYNCED')).toEqual(only(first, 'SYNCED'))
  })
})

describe('log order on a channel', () => {
  it('gives for each index the entry or, where it was acknowledged on this channel, its ACK', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'one'), storePush(NOVEL, 'two')])
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('three')), END])
    expect(names(frames)).toBe('WELCOME OPENED ENTRIES ACK SYNCED DONE')
    expect(payloadsIn(frames)).toEqual(['one', 'two'])
    expect(only(frames, 'SYNCED').mark).toEqual(only(frames, 'ACK').receipt)
  })

  it('acknowledges a repeated push before serving when its entry lies below the mark, without storing it again', async () => {
    const relay = new CoreUnderTest()
    const first = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    const { mark } = only(first, 'SYNCED')
    await relay.store.append([storePush(NOVEL, 'two')])
    const again = await relay.burst([hello(WRITE), open(1, NOVEL, { mark }), push(1, payloadOf('one')), END])
    expect(names(again)).toBe('WELCOME OPENED ACK ENTRIES SYNCED DONE')
    expect(only(again, 'ACK')).toEqual(only(first, 'ACK'))
    expect(payloadsIn(again)).toEqual(['two'])
  })

  it('gives a device its own entries when it did not push them in this round (restored from a backup)', async () => {
    const relay = new CoreUnderTest()
    const deviceId = payloadOf('d', 16)
    await relay.burst([hello(WRITE, { deviceId }), open(1, NOVEL), push(1, payloadOf('one')), END])
    const again = await relay.burst([hello(WRITE, { deviceId }), open(1, NOVEL), END])
    expect(payloadsIn(again)).toEqual(['one'])
  })

  it('gives a repeated push inside of the page as ACK, at its index', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'one'), storePush(NOVEL, 'two'), storePush(NOVEL, 'three')])
    const frames = await relay.burst([
      hello(WRITE),
      open(1, NOVEL),
      push(1, payloadOf('two')),
      push(1, payloadOf('two')),
      END,
    ])
    expect(names(frames)).toBe('WELCOME OPENED ENTRIES ACK ENTRIES SYNCED DONE')
    expect(payloadsIn(frames)).toEqual(['one', 'three'])
  })

  it('sends a MARK after every page but the last, from which the next round goes on', async () => {
    const relay = new CoreUnderTest({ pageEntriesMax: 2 })
    const texts = ['a', 'b', 'c', 'd', 'e']
    await relay.store.append(texts.map((text) => storePush(NOVEL, text)))
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(names(frames)).toBe('WELCOME OPENED ENTRIES MARK ENTRIES MARK ENTRIES SYNCED DONE')
    expect(payloadsIn(frames)).toEqual(texts)
    const [, second] = all(frames, 'MARK')
    const rest = await relay.burst([hello(WRITE), open(1, NOVEL, { mark: second?.mark ?? NOTHING }), END])
    expect(payloadsIn(rest)).toEqual(['e'])
  })

  it('serves a long entry as pieces in messages of their own, with a mark before and behind it', async () => {
    const relay = new CoreUnderTest({ pieceBytesTarget: 1000 })
    await relay.store.append([storePush(NOVEL, 'x'), storePush(NOVEL, 'long ', 3500), storePush(NOVEL, 'y')])
    const device = relay.connect()
    const frames = await device.round([hello(WRITE), open(1, NOVEL), END])
    expect(device.carrier.messages.map((message) => names(decode(message)))).toEqual([
      'WELCOME OPENED ENTRIES MARK ENTRIES',
      'ENTRIES',
      'ENTRIES',
      'ENTRIES MARK ENTRIES SYNCED DONE',
    ])
    expect(payloadsIn(frames)).toEqual(['x', Buffer.alloc(3500, 'long ').toString(), 'y'])
    const pieces = all(frames, 'ENTRIES')
      .flatMap(({ entries }) => entries)
      .filter(({ total }) => total === 3500)
    expect(pieces.map(({ offset }) => offset)).toEqual([0, 1000, 2000, 3000])
  })
})

describe('many documents', () => {
  it('stores the pushes of all of them in one append, and answers in the order of the OPENs', async () => {
    const relay = new CoreUnderTest()
    const sizes: number[] = []
    const append = relay.store.append.bind(relay.store)
    relay.store.append = (pushes) => {
      sizes.push(pushes.length)
      return append(pushes)
    }
    const frames = await relay.burst([
      hello(WRITE),
      open(7, 'alice/b'),
      open(3, 'alice/a'),
      push(3, payloadOf('a')),
      push(7, payloadOf('b')),
      END,
    ])
    expect(sizes).toEqual([2])
    expect(all(frames, 'OPENED').map(({ channel }) => channel)).toEqual([7, 3])
    expect(all(frames, 'SYNCED').map(({ channel }) => channel)).toEqual([7, 3])
  })

  it('ends one channel with an error and serves the others', async () => {
    const relay = new CoreUnderTest()
    const judge = relay.store.judge.bind(relay.store)
    relay.store.judge = (request) =>
      request.documentId === 'alice/broken' ? Promise.reject(new Error('disk')) : judge(request)
    const frames = await relay.burst([
      hello(WRITE),
      open(1, 'alice/broken'),
      open(2, NOVEL),
      push(2, payloadOf('one')),
      END,
    ])
    expect(only(frames, 'ERROR')).toMatchObject({
      channel: 1,
      code: 'FAULT',
      retryable: true,
      message: 'The relay failed',
    })
    expect(only(frames, 'SYNCED').channel).toBe(2)
    expect(frames.at(-1)?.type).toBe('DONE')
  })

  it('refuses pushes with STORAGE when the append fails, and goes on serving', async () => {
    const { RelayStoreError } = await import('../../../relay/src/store/contract.ts')
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'one')])
    relay.store.append = () => Promise.reject(new RelayStoreError('STORAGE', 'disk full'))
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('two')), END])
    expect(names(frames)).toBe('WELCOME OPENED REFUSED ENTRIES SYNCED DONE')
    expect(only(frames, 'REFUSED')).toMatchObject({ code: 'STORAGE', retryAfterMs: 5_000 })
  })
})

describe('a store that breaks its contract', () => {
  it('ends the connection with FAULT, and nothing of the message leaves', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'one')])
    const read = relay.store.read.bind(relay.store)
    relay.store.read = async (request) => {
      const page = await read(request)
      return page === 'moved' ? page : { ...page, tag: payloadOf('short') }
    }
    const device = relay.connect()
    const frames = await device.round([hello(WRITE), open(1, NOVEL), END])
    expect(names(frames)).toBe('ERROR')
    expect(only(frames, 'ERROR')).toMatchObject({ channel: 0, code: 'FAULT', retryable: true })
    expect(device.closeCode).toBe('FAULT')
    relay.store.read = read
    expect(names(await relay.burst([hello(WRITE), open(1, NOVEL), END]))).toBe('WELCOME OPENED ENTRIES SYNCED DONE')
  })
})

describe('a store whose answer no session can bear', () => {
  it('ends that connection with FAULT, and no other', async () => {
    const relay = new CoreUnderTest()
    const other = relay.connect()
    await other.round([hello(WRITE), END])
    const judge = relay.store.judge.bind(relay.store)
    relay.store.judge = async (request) => ({ ...(await judge(request)), tail: null as never })
    const device = relay.connect()
    expect(names(await device.round([hello(WRITE), open(1, NOVEL), END]))).toBe('WELCOME ERROR')
    expect(device.closeCode).toBe('FAULT')
    expect(relay.errorsLogged).toEqual(['a session failed'])
    relay.store.judge = judge
    expect(names(await other.round([open(1, NOVEL), END]))).toBe('OPENED SYNCED DONE')
  })
})

describe('without pull', () => {
  it('acknowledges in log order and ends with an empty mark and no tag', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'one'), storePush(NOVEL, 'two')])
    const pushes = ['three', 'two'].map((text) => push(1, payloadOf(text)))
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL, { pull: false }), ...pushes, END])
    expect(names(frames)).toBe('WELCOME OPENED ACK ACK SYNCED DONE')
    expect(all(frames, 'ACK').map(({ pushId }) => pushId)).toEqual([pushes[1]?.pushId, pushes[0]?.pushId])
    expect(only(frames, 'SYNCED')).toMatchObject({ mark: NOTHING, tag: new Uint8Array(8) })
    expect(only(frames, 'OPENED')).toMatchObject({ entriesToCome: 0, bytesToCome: 0 })
  })
})

describe('bookmarks of another log', () => {
  it('are answered RESET: the push is stored, and everything is served', async () => {
    const relay = new CoreUnderTest()
    const first = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    const { mark } = only(first, 'SYNCED')
    const other = new CoreUnderTest()
    await other.store.append([storePush(NOVEL, 'other')])
    const frames = await other.burst([hello(WRITE), open(1, NOVEL, { mark }), push(1, payloadOf('two')), END])
    expect(names(frames)).toBe('WELCOME OPENED ENTRIES ACK SYNCED DONE')
    expect(only(frames, 'OPENED').status).toBe('RESET')
    expect(payloadsIn(frames)).toEqual(['other'])
  })

  it('are answered RESET where there is no log at all, and the push begins one', async () => {
    const relay = new CoreUnderTest()
    const first = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    const { mark } = only(first, 'SYNCED')
    const frames = await new CoreUnderTest().burst([
      hello(WRITE),
      open(1, NOVEL, { mark }),
      push(1, payloadOf('two')),
      END,
    ])
    expect(only(frames, 'OPENED').status).toBe('RESET')
    expect(only(frames, 'OPENED').incarnation).toHaveLength(16)
    expect(only(frames, 'SYNCED').mark).toEqual(only(frames, 'ACK').receipt)
  })
})

describe('a log that is replaced while it is served', () => {
  it('is judged again, and served as RESET', async () => {
    const relay = new CoreUnderTest({ pageEntriesMax: 1 })
    await relay.store.append([storePush(NOVEL, 'one'), storePush(NOVEL, 'two')])
    const read = relay.store.read.bind(relay.store)
    let reads = 0
    relay.store.read = (request) => {
      reads += 1
      return reads === 2 ? Promise.resolve('moved') : read(request)
    }
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(all(frames, 'OPENED').map(({ status }) => status)).toEqual(['OK', 'RESET'])
    expect(payloadsIn(frames)).toEqual(['one', 'one', 'two'])
    expect(names(frames.slice(-2))).toBe('SYNCED DONE')
  })

  it('is given up when it is replaced again and again', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'one')])
    relay.store.read = () => Promise.resolve('moved')
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(names(frames)).toBe('WELCOME ERROR DONE')
    expect(only(frames, 'ERROR')).toMatchObject({ channel: 1, code: 'FAULT' })
  })

  it('does not acknowledge what was stored in the log that is gone', async () => {
    const relay = new CoreUnderTest()
    const incarnation = payloadOf('i', 16)
    await relay.store.append([storePush(NOVEL, 'one')])
    const judge = relay.store.judge.bind(relay.store)
    let judged = 0
    relay.store.judge = async (request) => {
      judged += 1
      // First as it was, then as if it had been deleted and begun anew after the append.
      const judgement = await judge(request)
      return judged === 1 ? judgement : { ...judgement, status: 'RESET', incarnation }
    }
    relay.store.read = (request) =>
      Promise.resolve(
        Buffer.from(request.incarnation).equals(incarnation)
          ? { entries: [], through: 0, mark: payloadOf('m', 40), atHead: true, tag: payloadOf('t', 8) }
          : 'moved',
      )
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('two')), END])
    expect(names(frames)).toBe('WELCOME OPENED REFUSED SYNCED DONE')
    expect(only(frames, 'REFUSED').code).toBe('DELETED')
    expect(only(frames, 'OPENED').incarnation).toEqual(incarnation)
  })
})

describe('a tombstone', () => {
  it('is answered DELETED, and each push REFUSED DELETED', async () => {
    const relay = new CoreUnderTest()
    const { mark, incarnation } = await begun(relay, 'zero')
    await relay.store.delete({ documentId: NOVEL, mark })
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    expect(names(frames)).toBe('WELCOME OPENED REFUSED SYNCED DONE')
    expect(only(frames, 'OPENED')).toMatchObject({ status: 'DELETED', incarnation })
    expect(only(frames, 'REFUSED').code).toBe('DELETED')
  })

  it('that was made after the OPEN was judged refuses its pushes all the same', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await begun(relay, 'zero')
    const append = relay.store.append.bind(relay.store)
    relay.store.append = async (pushes) => {
      await relay.store.delete({ documentId: NOVEL, mark })
      return append(pushes)
    }
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL, { mark }), push(1, payloadOf('one')), END])
    expect(names(frames)).toBe('WELCOME OPENED REFUSED SYNCED DONE')
    expect(only(frames, 'OPENED').status).toBe('DELETED')
    expect(only(frames, 'REFUSED').code).toBe('DELETED')
  })

  it('is passed by an OPEN that says create, whose push begins the document anew', async () => {
    const relay = new CoreUnderTest()
    const { mark, incarnation } = await begun(relay, 'zero')
    await relay.store.delete({ documentId: NOVEL, mark })
    const create = [hello(WRITE), open(1, NOVEL, { create: true }), push(1, payloadOf('one')), END]
    const frames = await relay.burst(create)
    expect(names(frames)).toBe('WELCOME OPENED ACK SYNCED DONE')
    expect(only(frames, 'OPENED').status).toBe('NEW')
    expect(only(frames, 'OPENED').incarnation).not.toEqual(incarnation)
    const knowing = await relay.burst([hello(WRITE), open(1, NOVEL, { incarnation, create: true }), END])
    expect(only(knowing, 'OPENED')).toMatchObject({ status: 'DELETED', incarnation })
  })
})

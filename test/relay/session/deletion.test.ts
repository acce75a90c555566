// DELETE: who may, what it answers, what is served after it, and what a late one finds.
import type { Frame, Open } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { RelayStoreError } from '../../../relay/src/store/contract.ts'
import { CoreUnderTest } from '../core.ts'
import { END, hello, NOTHING, names, only, open, payloadOf, payloadsIn, push } from '../device.ts'
import { begun, markAt, NOVEL } from '../log.ts'

const DELETE = 'alice/*:delete'

function deletion(mark: Uint8Array): Frame {
  return { type: 'DELETE', channel: 1, mark }
}

function remove(relay: CoreUnderTest, mark: Uint8Array, fields: Partial<Open> = { mark }, grants = DELETE) {
  return relay.burst([hello(grants), open(1, NOVEL, fields), deletion(mark), END])
}

describe('DELETE', () => {
  it('at the newest mark leaves a tombstone, and nothing is served on its channel', async () => {
    const relay = new CoreUnderTest()
    const { mark, incarnation } = await begun(relay, 'one', 'two')
    const frames = await remove(relay, mark, {})
    expect(names(frames)).toBe('WELCOME OPENED DELETED SYNCED DONE')
    expect(only(frames, 'DELETED').code).toBe('OK')
    expect(only(frames, 'SYNCED')).toMatchObject({ mark: NOTHING, tag: new Uint8Array(8) })
    const after = await relay.burst([hello(DELETE), open(1, NOVEL, { incarnation, mark }), END])
    expect(only(after, 'OPENED').status).toBe('DELETED')
  })

  it('is shown by the feed of its own round', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await begun(relay, 'one')
    const feed: Frame = { type: 'FEED', vault: 'alice', mark: NOTHING }
    const frames = await relay.burst([hello(DELETE), open(1, NOVEL, { mark }), deletion(mark), feed, END])
    expect(only(frames, 'FEED_PAGE').documents).toMatchObject([{ documentId: NOVEL, deleted: true }])
  })

  it('needs a grant of delete; write is not enough', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await begun(relay, 'one')
    const frames = await remove(relay, mark, {}, 'alice/*:write')
    expect(names(frames)).toBe('WELCOME OPENED DELETED ENTRIES SYNCED DONE')
    expect(only(frames, 'DELETED').code).toBe('READ_ONLY')
  })

  it('is CHANGED where the log has moved past the mark, by its own push too, and the document is served', async () => {
    const relay = new CoreUnderTest()
    const standing = await begun(relay, 'one', 'two')
    const early = await remove(relay, await markAt(relay, standing, 1))
    expect(only(early, 'DELETED').code).toBe('CHANGED')
    expect(payloadsIn(early)).toEqual(['two'])
    const { mark } = standing
    const three = push(1, payloadOf('three'))
    const pushing = await relay.burst([hello(DELETE), open(1, NOVEL, { mark }), three, deletion(mark), END])
    expect(names(pushing)).toBe('WELCOME OPENED DELETED ACK SYNCED DONE')
    expect(only(pushing, 'DELETED').code).toBe('CHANGED')
  })

  it('without a mark, or with one that is none, is CHANGED', async () => {
    const relay = new CoreUnderTest()
    await begun(relay, 'one')
    for (const mark of [NOTHING, payloadOf('no bookmark', 38)]) {
      expect(only(await remove(relay, mark, {}), 'DELETED').code).toBe('CHANGED')
    }
  })

  it('is answered STORAGE where nothing can be written, and the document is served', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await begun(relay, 'one')
    relay.store.delete = () => Promise.reject(new RelayStoreError('STORAGE', 'disk full'))
    const frames = await remove(relay, mark, {})
    expect(names(frames)).toBe('WELCOME OPENED DELETED ENTRIES SYNCED DONE')
    expect(only(frames, 'DELETED').code).toBe('STORAGE')
  })

  it('hands a tombstone back to a relay that has lost it', async () => {
    const { mark, incarnation } = await begun(new CoreUnderTest(), 'one')
    const wiped = new CoreUnderTest()
    const frames = await remove(wiped, mark, { mark, incarnation })
    expect(only(frames, 'OPENED').status).toBe('RESET')
    expect(only(frames, 'DELETED').code).toBe('OK')
    const other = await wiped.burst([hello(DELETE), open(1, NOVEL, { incarnation }), END])
    expect(only(other, 'OPENED')).toMatchObject({ status: 'DELETED', incarnation })
  })
})

describe('case 39: a DELETE that is sent again after the document was begun anew', () => {
  it('deletes nothing of it, and the old mark opens nothing of it', async () => {
    const relay = new CoreUnderTest()
    const { mark, incarnation } = await begun(relay, 'one')
    await remove(relay, mark)
    const anew = [hello(DELETE), open(1, NOVEL, { create: true }), push(1, payloadOf('begun anew')), END]
    const begunAnew = only(await relay.burst(anew), 'OPENED')
    expect(begunAnew.status).toBe('NEW')

    const replayed = await remove(relay, mark)
    expect(only(replayed, 'OPENED')).toMatchObject({ status: 'DELETED', incarnation })
    expect(only(replayed, 'DELETED').code).toBe('OK')
    const withOldMark = await relay.burst([
      hello(DELETE),
      open(1, NOVEL, { mark, incarnation }),
      push(1, payloadOf('unsent')),
      END,
    ])
    expect(names(withOldMark)).toBe('WELCOME OPENED REFUSED SYNCED DONE')
    expect(only(withOldMark, 'REFUSED').code).toBe('DELETED')

    const fresh = await relay.burst([hello(DELETE), open(1, NOVEL), END])
    expect(only(fresh, 'OPENED')).toMatchObject({ status: 'OK', incarnation: begunAnew.incarnation })
    expect(payloadsIn(fresh)).toEqual(['begun anew'])
  })
})

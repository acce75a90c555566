// What a token's grants let through: documents, pushes, and rows of the feed.
import type { FeedPage, Frame, Synced } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { CoreUnderTest } from '../core.ts'
import { all, END, hello, NOTHING, names, only, open, payloadOf, payloadsIn, push, storePush } from '../device.ts'

const WRITE = 'alice/*:write'
const NOVEL = 'alice/novel'

describe('grants', () => {
  it('end the channel with DENIED where none covers the document, and refuse its pushes', async () => {
    const relay = new CoreUnderTest()
    const frames = await relay.burst([
      hello(WRITE),
      open(1, 'bob/diary'),
      push(1, payloadOf('one')),
      open(2, NOVEL),
      END,
    ])
    expect(names(frames)).toBe('WELCOME REFUSED ERROR OPENED SYNCED DONE')
    expect(only(frames, 'REFUSED').code).toBe('DENIED')
    expect(only(frames, 'ERROR')).toMatchObject({ channel: 1, code: 'DENIED', retryable: false })
    expect(only(frames, 'ERROR').message).toContain('bob/diary')
    expect(await relay.store.usage('bob')).toEqual({ bytes: 0, documents: 0 })
  })

  it('of reading refuse pushes READ_ONLY, and pulling goes on', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'one')])
    const frames = await relay.burst([hello('alice/*:read'), open(1, NOVEL), push(1, payloadOf('two')), END])
    expect(names(frames)).toBe('WELCOME OPENED REFUSED ENTRIES SYNCED DONE')
    expect(only(frames, 'REFUSED').code).toBe('READ_ONLY')
    expect(payloadsIn(frames)).toEqual(['one'])
  })

  it('cannot cover what is no document id', async () => {
    const frames = await new CoreUnderTest().burst([hello(WRITE), open(1, 'alice'), END])
    expect(only(frames, 'ERROR')).toMatchObject({ channel: 1, code: 'MALFORMED' })
  })
})

describe('the feed', () => {
  const documentsIn = (frames: readonly Frame[]): readonly string[] =>
    all(frames, 'FEED_PAGE').flatMap(({ documents }) => documents.map(({ documentId }) => documentId))

  it('is evaluated after the pushes of its round', async () => {
    const relay = new CoreUnderTest()
    const feed: Frame = { type: 'FEED', vault: 'alice', mark: NOTHING }
    const frames = await relay.burst([hello(WRITE), feed, open(1, NOVEL), push(1, payloadOf('one')), END])
    expect(names(frames)).toBe('WELCOME OPENED ACK SYNCED FEED_PAGE DONE')
    const page: FeedPage = only(frames, 'FEED_PAGE')
    const synced: Synced = only(frames, 'SYNCED')
    expect(page).toMatchObject({ vault: 'alice', status: 'OK', more: false })
    expect(page.documents).toEqual([{ documentId: NOVEL, tag: synced.tag, deleted: false }])
  })

  it('goes on from its mark, page by page', async () => {
    const relay = new CoreUnderTest({ feedDocumentsMax: 2 })
    const ids = ['alice/a', 'alice/b', 'alice/c', 'alice/d', 'alice/e']
    for (const documentId of ids) await relay.store.append([storePush(documentId, 'x')])
    const frames = await relay.burst([hello(WRITE), { type: 'FEED', vault: 'alice', mark: NOTHING }, END])
    expect(names(frames)).toBe('WELCOME FEED_PAGE FEED_PAGE FEED_PAGE DONE')
    expect(documentsIn(frames)).toEqual(ids)
    const { mark } = all(frames, 'FEED_PAGE')[1] as FeedPage
    const rest = await relay.burst([hello(WRITE), { type: 'FEED', vault: 'alice', mark }, END])
    expect(documentsIn(rest)).toEqual(['alice/e'])
  })

  it('lists only what the grants cover, and keeps RESET for the first page that is shown', async () => {
    const relay = new CoreUnderTest({ feedDocumentsMax: 1 })
    for (const documentId of ['alice/secret', 'alice/shared-1', 'alice/shared-2']) {
      await relay.store.append([storePush(documentId, 'x')])
    }
    const mark = payloadOf('not of this feed', 40)
    const frames = await relay.burst([hello('alice/shared*:read'), { type: 'FEED', vault: 'alice', mark }, END])
    expect(documentsIn(frames)).toEqual(['alice/shared-1', 'alice/shared-2'])
    expect(all(frames, 'FEED_PAGE').map(({ status }) => status)).toEqual(['RESET', 'OK'])
  })

  it('of a vault without any grant is DENIED', async () => {
    const frames = await new CoreUnderTest().burst([hello(WRITE), { type: 'FEED', vault: 'bob', mark: NOTHING }, END])
    expect(only(frames, 'FEED_PAGE')).toMatchObject({ vault: 'bob', status: 'DENIED', documents: [], mark: NOTHING })
  })
})

// Case 24 for the frames of maintenance: where REPAIR, LEASE, SNAPSHOT_PUT and DELETE may stand, how many of them, and
// what a message that is cut in one of them leaves behind.
import { encodeFrames, type Frame } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { CoreUnderTest, settled } from '../core.ts'
import { END, hello, names, only, open, payloadOf, snapshotPut } from '../device.ts'
import { begun, NOVEL } from '../log.ts'

const DELETE = 'alice/*:delete'
const MARK = payloadOf('m', 38)

const repair: Frame = { type: 'REPAIR', channel: 1, reason: 'GAP', fingerprint: payloadOf('f', 16) }
const lease: Frame = { type: 'LEASE', channel: 1, mark: MARK }
const deletion: Frame = { type: 'DELETE', channel: 1, mark: MARK }
const put = snapshotPut(1, payloadOf('snapshot ', 100), { fence: 1, mark: MARK, length: 50 })

describe('case 24: a message with frames of maintenance', () => {
  it.each([
    ['REPAIR before its OPEN', [repair, open(1, NOVEL)], 'REPAIR: channel 1 is not open'],
    ['LEASE on another channel', [open(2, NOVEL), lease], 'LEASE: channel 1 is not open'],
    ['SNAPSHOT_PUT without OPEN', [put], 'SNAPSHOT_PUT: channel 1 is not open'],
    ['DELETE without OPEN', [deletion], 'DELETE: channel 1 is not open'],
    ['17 REPAIRs', [open(1, NOVEL), ...Array<Frame>(17).fill(repair)], 'REPAIR: more than 16 on channel 1'],
    ['two LEASEs', [open(1, NOVEL), lease, lease], 'LEASE: more than 1 on channel 1'],
    ['two DELETEs', [open(1, NOVEL), deletion, deletion], 'DELETE: more than 1 on channel 1'],
    ['pieces under two fences', [open(1, NOVEL), put, { ...put, fence: 2 }], 'more than one snapshot on channel 1'],
    ['pieces of two totals', [open(1, NOVEL), put, { ...put, total: 99 }], 'more than one snapshot'],
    ['pieces at two marks', [open(1, NOVEL), put, { ...put, mark: payloadOf('n', 38) }], 'more than one snapshot'],
    ['pieces of two', [open(1, NOVEL), put, { ...put, snapshotId: payloadOf('s', 16) }], 'more than one snapshot'],
  ] as const)('that has %s is MALFORMED, and nothing of it is done', async (_name, frames, message) => {
    const relay = new CoreUnderTest()
    const device = relay.connect()
    await device.round([hello(DELETE), END])
    const error = only(await device.round([...frames, END]), 'ERROR')
    expect(error).toMatchObject({ channel: 0, code: 'MALFORMED' })
    expect(error.message).toContain(message)
    expect(device.closeCode).toBe('MALFORMED')
  })

  it('may have 16 REPAIRs and one of each of the others, and answers them in one order', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await begun(relay, 'one')
    const frames = await relay.burst([
      hello(DELETE),
      open(1, NOVEL),
      { ...deletion, mark },
      ...Array<Frame>(16).fill(repair),
      put,
      { ...lease, mark },
      END,
    ])
    expect(names(frames)).toBe('WELCOME OPENED LEASED COMPACTED DELETED SYNCED DONE')
  })

  it('on a channel that failed are ignored', async () => {
    const relay = new CoreUnderTest()
    await begun(relay, 'one')
    const frames = await relay.burst([hello('bob/*:delete'), open(1, NOVEL), repair, lease, put, deletion, END])
    expect(names(frames)).toBe('WELCOME ERROR DONE')
    expect(only(frames, 'ERROR').code).toBe('DENIED')
  })

  it('that is cut short anywhere is MALFORMED, and the document is as it was', async () => {
    const relay = new CoreUnderTest()
    const { mark, generation } = await begun(relay, 'one')
    const frames = [open(1, NOVEL), repair, { ...lease, mark }, put, { ...deletion, mark }, END]
    const message = encodeFrames(frames)
    for (let length = 0; length < message.length; length++) {
      const device = relay.connect()
      await device.round([hello(DELETE), END])
      device.connection.receive(message.slice(0, length))
      await settled()
      expect(device.closeCode).toBe('MALFORMED')
    }
    const opened = only(await relay.burst([hello(DELETE), open(1, NOVEL, { mark }), END]), 'OPENED')
    expect(opened).toMatchObject({ status: 'OK', generation })
  })
})

// Leases, the upload of snapshots and the swap: who may, under which fence, up to which mark, how long.
import type { Frame, FrameOf } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { RelayStoreError } from '../../../relay/src/store/contract.ts'
import { memoryRelayStore } from '../../../relay/src/store/memory.ts'
import { type CoreConnection, CoreUnderTest } from '../core.ts'
import {
  all,
  END,
  hello,
  NOTHING,
  names,
  only,
  open,
  payloadOf,
  payloadsIn,
  push,
  snapshotIdOf,
  snapshotIn,
  snapshotPut,
  storePush,
} from '../device.ts'
import { begun, compacted, markAt, NOVEL, type Standing } from '../log.ts'

const WRITE = 'alice/*:write'
const KIB = 1024
const MIB = 1024 * KIB
const SNAPSHOT = payloadOf('snapshot ', 900)
const UPLOAD = open(1, NOVEL, { pull: false })

async function connected(relay: CoreUnderTest, letter = 'd', grants = WRITE): Promise<CoreConnection> {
  const device = relay.connect()
  await device.round([hello(grants, { deviceId: payloadOf(letter, 16) }), END])
  return device
}

async function lease(device: CoreConnection, mark: Uint8Array): Promise<FrameOf<'LEASED'>> {
  return only(await device.round([UPLOAD, { type: 'LEASE', channel: 1, mark }, END]), 'LEASED')
}

/** Long enough that a snapshot of two is fewer bytes. */
const entry = (index: number): string => `entry ${index} `.padEnd(500, '.')

/** Of a log with this many entries. */
async function logOf(entries: number, limits = {}): Promise<{ relay: CoreUnderTest; standing: Standing }> {
  const relay = new CoreUnderTest(limits)
  const texts = Array.from({ length: entries }, (_, index) => entry(index + 1))
  return { relay, standing: await begun(relay, ...texts) }
}

describe('the urgency in OPENED', () => {
  const urgency = async (relay: CoreUnderTest, grants = WRITE): Promise<string> =>
    only(await relay.burst([hello(grants), open(1, NOVEL), END]), 'OPENED').urgency

  it('follows what lies above the base, and is NONE while somebody holds the lease', async () => {
    const { relay, standing } = await logOf(8, { compactEntries: 2 })
    expect(await urgency(relay)).toBe('HIGH')
    expect((await lease(await connected(relay), standing.mark)).code).toBe('OK')
    expect(await urgency(relay)).toBe('NONE')
    relay.pass(60_000)
    expect(await urgency(relay)).toBe('HIGH')
    await compacted(relay, await markAt(relay, standing, 6), SNAPSHOT)
    expect(await urgency(relay)).toBe('LOW')
  })

  it('asks nothing of a device that may not write', async () => {
    const { relay } = await logOf(8, { compactEntries: 2 })
    expect(await urgency(relay, 'alice/*:read')).toBe('NONE')
  })
})

describe('a lease', () => {
  it('is given at a valid mark above the base, and named by fence and time', async () => {
    const { relay, standing } = await logOf(3)
    const device = await connected(relay)
    expect(await lease(device, standing.mark)).toMatchObject({ code: 'OK', fence: 1, deadlineMs: 60_000 })
  })

  it('is refused CHANGED at no mark, at one of another log, and where there is nothing to gain', async () => {
    const { relay, standing } = await logOf(3)
    const device = await connected(relay)
    expect((await lease(device, NOTHING)).code).toBe('CHANGED')
    expect((await lease(device, payloadOf('no bookmark', 38))).code).toBe('CHANGED')
    await compacted(relay, standing.mark, SNAPSHOT)
    expect((await lease(device, standing.mark)).code).toBe('CHANGED')
    expect((await lease(device, await markAt(relay, standing, 2))).code).toBe('CHANGED')
  })

  it('is refused RATE while another holds it, READ_ONLY to a reader, STORAGE where nothing can be read', async () => {
    const { relay, standing } = await logOf(3)
    expect((await lease(await connected(relay, 'r', 'alice/*:read'), standing.mark)).code).toBe('READ_ONLY')
    expect((await lease(await connected(relay, 'a'), standing.mark)).code).toBe('OK')
    expect(await lease(await connected(relay, 'b'), standing.mark)).toMatchObject({ code: 'RATE', fence: 0 })
    expect((await lease(await connected(relay, 'a'), standing.mark)).fence).toBe(2)
    const judge = relay.store.judge.bind(relay.store)
    relay.store.judge = (request) =>
      request.receipt.length > 0 ? judge(request) : Promise.reject(new RelayStoreError('STORAGE', 'gone'))
    const { mark, receipt } = standing
    const device = await connected(relay, 'a')
    const frames = await device.round([open(1, NOVEL, { mark, receipt }), { type: 'LEASE', channel: 1, mark }, END])
    expect(names(frames)).toBe('OPENED LEASED SYNCED DONE')
    expect(only(frames, 'LEASED').code).toBe('STORAGE')
  })
})

describe('a snapshot', () => {
  it('goes up in pieces under a lease, and is served instead of what it stands for', async () => {
    const { relay, standing } = await logOf(3)
    const { mark } = standing
    const device = await connected(relay)
    const { fence } = await lease(device, mark)
    const part = (offset: number, length: number): readonly Frame[] => {
      return [UPLOAD, snapshotPut(1, SNAPSHOT, { fence, mark, offset, length }), END]
    }
    const first = await device.round(part(0, 400))
    expect(names(first)).toBe('OPENED HAVE SYNCED DONE')
    expect(only(first, 'HAVE')).toMatchObject({ id: snapshotIdOf(SNAPSHOT), staged: 400 })
    await begun(relay, entry(4))
    const last = await device.round(part(400, 500))
    expect(names(last)).toBe('OPENED COMPACTED SYNCED DONE')
    expect(only(last, 'COMPACTED').code).toBe('OK')
    expect((await lease(await connected(relay, 'b'), await markAt(relay, standing, 4))).code).toBe('OK')

    const pulled = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(names(pulled)).toBe('WELCOME OPENED SNAPSHOT MARK ENTRIES SYNCED DONE')
    expect(only(pulled, 'OPENED')).toMatchObject({ status: 'OK', entriesToCome: 1, bytesToCome: 1_400 })
    expect(snapshotIn(pulled).bytes.equals(SNAPSHOT)).toBe(true)
    expect(only(pulled, 'MARK').mark).toEqual(mark)
    expect(payloadsIn(pulled)).toEqual([entry(4)])
  })

  it('is refused LEASE_LOST, READ_ONLY or TOO_LARGE before any byte of it is staged', async () => {
    const { relay, standing } = await logOf(3)
    const { mark } = standing
    const code = async (device: CoreConnection, payload: Uint8Array, fence: number): Promise<string> =>
      only(await device.round([UPLOAD, snapshotPut(1, payload, { fence, mark, length: 10 }), END]), 'COMPACTED').code
    const device = await connected(relay)
    const staged: string[] = []
    const stage = relay.store.stage.bind(relay.store)
    relay.store.stage = (piece) => {
      staged.push(piece.key)
      return stage(piece)
    }
    expect(await code(device, SNAPSHOT, 1)).toBe('LEASE_LOST')
    const { fence } = await lease(device, mark)
    expect(await code(device, SNAPSHOT, fence + 1)).toBe('LEASE_LOST')
    expect(await code(await connected(relay, 'b'), SNAPSHOT, fence)).toBe('LEASE_LOST')
    expect(await code(await connected(relay, 'd', 'alice/*:read'), SNAPSHOT, fence)).toBe('READ_ONLY')
    expect(await code(device, new Uint8Array(MIB + 1), fence)).toBe('TOO_LARGE')
    relay.pass(60_000)
    expect(await code(await connected(relay), SNAPSHOT, fence)).toBe('LEASE_LOST')
    expect(staged).toEqual([])
  })

  it('may be twice as long as its document', async () => {
    const { relay } = await logOf(1)
    await relay.store.append([storePush(NOVEL, 'x', 600 * KIB)])
    const standing = await begun(relay)
    const device = await connected(relay)
    const { fence } = await lease(device, standing.mark)
    const bytes = 2 * (600 * KIB + entry(1).length)
    const answer = async (length: number): Promise<string> => {
      const put = snapshotPut(1, new Uint8Array(length), { fence, mark: standing.mark, length: 10 })
      return names(await device.round([UPLOAD, put, END]))
    }
    expect(await answer(bytes)).toBe('OPENED HAVE SYNCED DONE')
    expect(await answer(bytes + 1)).toBe('OPENED COMPACTED SYNCED DONE')
  })

  it('keeps its lease as long as pieces are accepted, and not by asking', async () => {
    const { relay, standing } = await logOf(3)
    const { mark } = standing
    const device = await connected(relay)
    const { fence } = await lease(device, mark)
    const put = async (offset: number, length: number): Promise<string> => {
      relay.pass(14_000)
      return names(await device.round([UPLOAD, snapshotPut(1, SNAPSHOT, { fence, mark, offset, length }), END]))
    }
    for (let offset = 0; offset < 800; offset += 100) {
      expect(await put(offset, 100)).toBe('OPENED HAVE SYNCED DONE')
    }
    for (let asked = 0; asked < 4; asked++) expect(await put(0, 0)).toBe('OPENED HAVE SYNCED DONE')
    expect(await put(800, 100)).toBe('OPENED COMPACTED SYNCED DONE')
  })

  it('that is not what its id promises is refused BAD_HASH, and may be sent again under the same lease', async () => {
    const { relay, standing } = await logOf(3)
    const { mark } = standing
    const device = await connected(relay)
    const { fence } = await lease(device, mark)
    const put = snapshotPut(1, SNAPSHOT, { fence, mark })
    const spoilt = { ...put, bytes: payloadOf('x', 900) }
    expect(only(await device.round([UPLOAD, spoilt, END]), 'COMPACTED').code).toBe('BAD_HASH')
    expect(only(await device.round([UPLOAD, put, END]), 'COMPACTED').code).toBe('OK')
  })

  it('is answered OVERLOADED where there is no room, STORAGE where nothing can be written; reading goes on', async () => {
    const { relay, standing } = await logOf(3, { uploadBytesMax: 500 })
    const { mark } = standing
    const device = await connected(relay)
    const { fence } = await lease(device, mark)
    const request = [open(1, NOVEL, { mark }), snapshotPut(1, SNAPSHOT, { fence, mark }), END]
    const full = await device.round(request)
    expect(names(full)).toBe('OPENED COMPACTED SYNCED DONE')
    expect(only(full, 'COMPACTED').code).toBe('OVERLOADED')
    const spacious = await logOf(3)
    const other = await connected(spacious.relay)
    const leased = await lease(other, spacious.standing.mark)
    spacious.relay.store.install = () => Promise.reject(new RelayStoreError('STORAGE', 'disk full'))
    const put = snapshotPut(1, SNAPSHOT, { fence: leased.fence, mark: spacious.standing.mark })
    const refused = await other.round([open(1, NOVEL), put, END])
    expect(names(refused)).toBe('OPENED COMPACTED ENTRIES SYNCED DONE')
    expect(only(refused, 'COMPACTED').code).toBe('STORAGE')
  })
})

describe('a snapshot that is whole, when something else happens before it is installed', () => {
  const putWhole = async (relay: CoreUnderTest, mark: Uint8Array): Promise<readonly Frame[]> => {
    const device = await connected(relay)
    const { fence } = await lease(device, mark)
    return device.round([UPLOAD, snapshotPut(1, SNAPSHOT, { fence, mark }), END])
  }

  it('is refused LEASE_LOST where hashing took longer than the lease', async () => {
    const { relay, standing } = await logOf(3)
    const hashUpload = relay.store.hashUpload.bind(relay.store)
    relay.store.hashUpload = (key, prefix) => {
      relay.nowMs += 60_000
      return hashUpload(key, prefix)
    }
    expect(only(await putWhole(relay, standing.mark), 'COMPACTED').code).toBe('LEASE_LOST')
  })

  it('is answered HAVE 0 where it is gone, before the hash or after it', async () => {
    const { relay, standing } = await logOf(3)
    const { hashUpload, install } = relay.store
    relay.store.hashUpload = () => Promise.resolve('gone')
    expect(only(await putWhole(relay, standing.mark), 'HAVE').staged).toBe(0)
    Object.assign(relay.store, { hashUpload, install: () => Promise.resolve('GONE') })
    expect(only(await putWhole(relay, standing.mark), 'HAVE').staged).toBe(0)
    relay.store.install = install
    expect(only(await putWhole(relay, standing.mark), 'COMPACTED').code).toBe('OK')
  })

  it('is answered STORAGE where it cannot be hashed, and stays staged', async () => {
    const { relay, standing } = await logOf(3)
    const { hashUpload } = relay.store
    relay.store.hashUpload = () => Promise.reject(new RelayStoreError('STORAGE', 'disk'))
    expect(only(await putWhole(relay, standing.mark), 'COMPACTED').code).toBe('STORAGE')
    relay.store.hashUpload = hashUpload
    expect(only(await putWhole(relay, standing.mark), 'COMPACTED').code).toBe('OK')
  })
})

describe('case 14: a zombie compactor', () => {
  it('that wakes after its lease was lost is refused, whatever it had staged', async () => {
    const { relay, standing } = await logOf(4)
    const early = await markAt(relay, standing, 3)
    const asleep = await connected(relay, 'z')
    const { fence } = await lease(asleep, early)
    const old = payloadOf('old snapshot ', 900)
    await asleep.round([UPLOAD, snapshotPut(1, old, { fence, mark: early, length: 500 }), END])
    relay.pass(60_000)
    await compacted(relay, standing.mark, SNAPSHOT)
    const rest = snapshotPut(1, old, { fence, mark: early, offset: 500 })
    const zombie = await connected(relay, 'z')
    expect(only(await zombie.round([UPLOAD, rest, END]), 'COMPACTED').code).toBe('LEASE_LOST')
    const pulled = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(snapshotIn(pulled).bytes.equals(SNAPSHOT)).toBe(true)
  })

  it('that holds the lease while the base moves under it is refused CHANGED, and its upload is dropped', async () => {
    const { relay, standing } = await logOf(4)
    const { mark } = standing
    const zombie = await connected(relay, 'z')
    const { fence } = await lease(zombie, mark)
    // Another relay process on the same store compacts.
    await compacted(new CoreUnderTest({}, relay.store), await markAt(relay, standing, 3), payloadOf('other ', 600))
    const put = snapshotPut(1, SNAPSHOT, { fence, mark })
    expect(only(await zombie.round([UPLOAD, put, END]), 'COMPACTED').code).toBe('CHANGED')
    const again = await lease(zombie, mark)
    expect(again.code).toBe('OK')
    const asked = snapshotPut(1, SNAPSHOT, { fence: again.fence, mark, length: 0 })
    expect(only(await zombie.round([UPLOAD, asked, END]), 'HAVE').staged).toBe(0)
    const whole = snapshotPut(1, SNAPSHOT, { fence: again.fence, mark })
    expect(only(await zombie.round([UPLOAD, whole, END]), 'COMPACTED').code).toBe('OK')
  })
})

describe('case 46: after a rollback, a lease of the old branch with the same fence number', () => {
  it('lets nothing of the old branch in: not from another device, and not by its own chain', async () => {
    const memory = memoryRelayStore()
    const before = new CoreUnderTest({}, memory)
    await begun(before, 'one')
    const backup = memory.snapshot()
    const oldBranch = await begun(before, 'two of the old branch')
    const device = await connected(before, 'a')
    expect((await lease(device, oldBranch.mark)).fence).toBe(1)

    const after = new CoreUnderTest({}, memory.restore(backup, { newEpoch: false }))
    const newBranch = await begun(after, 'two of the new branch')
    const put = snapshotPut(1, SNAPSHOT, { fence: 1, mark: oldBranch.mark })
    // Nobody holds a lease here yet; then another device does, under the same number; then this one itself.
    expect(only(await (await connected(after, 'a')).round([UPLOAD, put, END]), 'COMPACTED').code).toBe('LEASE_LOST')
    expect((await lease(await connected(after, 'b'), newBranch.mark)).fence).toBe(1)
    expect(only(await (await connected(after, 'a')).round([UPLOAD, put, END]), 'COMPACTED').code).toBe('LEASE_LOST')
    after.pass(60_000)
    const restarted = new CoreUnderTest({}, after.store)
    const same = await connected(restarted, 'a')
    expect((await lease(same, newBranch.mark)).fence).toBe(1)
    expect(only(await same.round([UPLOAD, put, END]), 'COMPACTED').code).toBe('CHANGED')
    const pulled = await restarted.burst([hello(WRITE), open(1, NOVEL), END])
    expect(all(pulled, 'SNAPSHOT')).toEqual([])
    expect(payloadsIn(pulled)).toEqual(['one', 'two of the new branch'])
  })
})

describe('case 36: a vault over its quota', () => {
  it('refuses pushes, and lets the compaction through that makes room again', async () => {
    const { relay } = await logOf(1, { vaultBytesMax: 2_000 })
    const { mark } = await begun(relay, 'x'.repeat(1_400))
    const full = await relay.burst([hello(WRITE), open(1, NOVEL, { mark }), push(1, payloadOf('y', 200)), END])
    expect(only(full, 'REFUSED').code).toBe('QUOTA')
    // For a moment there is more than the quota: the snapshot, and what it replaces.
    await compacted(relay, mark, SNAPSHOT)
    const stored = await relay.burst([hello(WRITE), open(1, NOVEL, { mark }), push(1, payloadOf('y', 200)), END])
    expect(names(stored)).toBe('WELCOME OPENED ACK SYNCED DONE')
    expect((await relay.store.usage('alice')).bytes).toBe(1_100)
  })
})

describe('case 28: a push again, whose first copy is hidden by a snapshot that may have missed it', () => {
  it('is stored again, and given to those who come through the snapshot', async () => {
    const { relay, standing } = await logOf(2)
    await compacted(relay, standing.mark, SNAPSHOT)
    const again = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf(entry(2))), END])
    expect(names(again)).toBe('WELCOME OPENED SNAPSHOT MARK ACK SYNCED DONE')
    expect(only(again, 'ACK').receipt).toEqual(only(again, 'SYNCED').mark)
    const pulled = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(payloadsIn(pulled)).toEqual([entry(2)])
  })
})

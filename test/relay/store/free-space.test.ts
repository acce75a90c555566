// The watch over the disk's free space: refuses in time, asks the disk seldom, notices by itself that there is space, and
// begins no commit that does not fit.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FreeSpace } from '../../../relay/src/store/lmdb/free-space.ts'

const MIB = 1024 * 1024

let nowMs = 0
let freeBytes = 0
let reusableBytes = 0
let looks = 0

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  nowMs = 0
  freeBytes = 4_000 * MIB
  reusableBytes = 0
  looks = 0
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a disk', () => {
  it('is asked once in two seconds, however much is pushed, and not at all while nobody pushes', async () => {
    const space = await watch(256 * MIB)
    expect(looks).toBe(1)
    for (let push = 0; push < 1_000; push++) expect(space.isShort).toBe(false)
    expect(looks).toBe(1)
    await pass(2_000)
    expect(looks).toBe(1)
    for (let push = 0; push < 1_000; push++) expect(space.isShort).toBe(false)
    expect(looks).toBe(2)
    await pass(3_600_000)
    expect(looks).toBe(2)
  })

  it('that others filled is short from the next look on', async () => {
    const space = await watch(256 * MIB)
    freeBytes = 255 * MIB
    expect(space.isShort).toBe(false)
    await pass(2_000)
    expect(space.isShort).toBe(false)
    await pass(0)
    expect(space.isShort).toBe(true)
  })

  it('that is being filled here is short before the next look', async () => {
    const space = await watch(256 * MIB)
    space.took(3_700 * MIB)
    expect(space.isShort).toBe(false)
    space.took(45 * MIB)
    expect(space.isShort).toBe(true)
    expect(looks).toBe(1)
  })

  it('that was short is looked at every two seconds, and taken again once there is space', async () => {
    freeBytes = 10 * MIB
    const space = await watch(256 * MIB)
    expect(space.isShort).toBe(true)
    await pass(10_000)
    expect([space.isShort, looks]).toEqual([true, 6])
    freeBytes = 300 * MIB
    await pass(2_000)
    expect([space.isShort, looks]).toEqual([false, 7])
    await pass(60_000)
    expect(looks).toBe(7)
  })

  it('is not short as long as there is room within the data file, but a commit must fit outside', async () => {
    freeBytes = 200 * MIB
    reusableBytes = 100 * MIB
    const space = await watch(256 * MIB)
    expect(space.isShort).toBe(false)
    await expect(space.room(201 * MIB)).rejects.toMatchObject({ code: 'ENOSPC' })
    reusableBytes = 50 * MIB
    await pass(2_000)
    void space.isShort
    await pass(0)
    expect(space.isShort).toBe(true)
    reusableBytes = 60 * MIB
    await pass(2_000)
    expect(space.isShort).toBe(false)
  })

  it('that does not answer is asked no second time, and that cannot say is not short', async () => {
    const silent = await watch(256 * MIB, (ask) => (ask < 2 ? Promise.resolve(freeBytes) : new Promise(() => {})))
    for (let seconds = 0; seconds < 20; seconds++) {
      await pass(1_000)
      expect(silent.isShort).toBe(false)
    }
    expect(looks).toBe(2)
    const broken = await watch(256 * MIB, () => Promise.reject(new Error('Input/output error')))
    expect(broken.isShort).toBe(false)
  })

  it('is never short where the limit is 0', async () => {
    freeBytes = 0
    const space = await watch(0)
    space.took(MIB)
    await pass(10_000)
    expect(space.isShort).toBe(false)
  })
})

describe('a commit', () => {
  it('that leaves much to spare does not look first, but where the last look is two seconds old', async () => {
    const space = await watch(0)
    for (let commit = 0; commit < 1_000; commit++) await space.room(MIB)
    expect(looks).toBe(1)
    await pass(2_000)
    freeBytes = 0
    await expect(space.room(MIB)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(looks).toBe(2)
  })

  it('on a disk that has little left is begun only after a look that finds room', async () => {
    freeBytes = 10 * MIB
    const space = await watch(0)
    await space.room(9 * MIB)
    await expect(space.room(11 * MIB)).rejects.toMatchObject({ code: 'ENOSPC' })
    freeBytes = 12 * MIB
    await space.room(11 * MIB)
    expect(looks).toBe(4)
    freeBytes = 8 * MIB
    expect([await space.fits(8 * MIB), await space.fits(9 * MIB)]).toEqual([true, false])
  })
})

async function watch(freeBytesMin: number, answer?: (ask: number) => Promise<number>): Promise<FreeSpace> {
  const space = new FreeSpace({
    directory: '/data',
    freeBytesMin,
    steadyNow: () => nowMs,
    freeBytesOf: () => {
      looks++
      return answer?.(looks) ?? Promise.resolve(freeBytes)
    },
  })
  await space.look()
  space.begin(() => reusableBytes)
  return space
}

async function pass(milliseconds: number): Promise<void> {
  const untilMs = nowMs + milliseconds
  do {
    const stepMs = Math.min(500, untilMs - nowMs)
    nowMs += stepMs
    await vi.advanceTimersByTimeAsync(stepMs)
  } while (nowMs < untilMs)
}

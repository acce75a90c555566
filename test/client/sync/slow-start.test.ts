import { expect, it } from 'vitest'
import { Pace } from '../../../client/src/sync/pace.ts'
import { SlowStart } from '../../../client/src/sync/slow-start.ts'

const KIB = 1024

class Clock {
  nowMs = 1_000_000
  readonly now = (): number => this.nowMs
}

/** A round with this much up and down, after so many milliseconds. */
function round(start: SlowStart, clock: Clock, { up = 0, down = 0, ms = 0 }): void {
  start.sent(up)
  clock.nowMs += ms
  start.received(down)
  start.roundEnded()
}

it('risks at first what a slow line moves in a quarter of the time, and never more than after a cut', () => {
  const clock = new Clock()
  const [short, long] = [4_000, 3_600_000].map((ms) => new SlowStart(clock.nowMs + ms, clock.now))
  expect(short).toMatchObject({ upBytes: 16 * KIB, downBytes: 16 * KIB, bundleBytes: 16 * KIB })
  const pace = new Pace()
  pace.cut()
  const { upBytes, downBytes, bundleBytes, receiveWindowBytes } = pace
  expect(long).toMatchObject({ upBytes, downBytes, bundleBytes, receiveWindowBytes })
})

it('goes by what the line moved each way, and by the time that is left', () => {
  const clock = new Clock()
  const start = new SlowStart(clock.nowMs + 20_000, clock.now)
  round(start, clock, { up: 10_000, down: 100_000, ms: 4_000 })
  expect(start).toMatchObject({ upBytes: 10_000, downBytes: 100_000 })
  clock.nowMs += 8_000
  expect(start).toMatchObject({ upBytes: 5_000, downBytes: 50_000 })
  round(start, clock, { up: 200, down: 100, ms: 0 })
  expect(start, 'few bytes tell nothing').toMatchObject({ upBytes: 5_000, downBytes: 50_000 })
})

it('risks on a fast line what a burst without a budget does, and where no time is left hardly anything', () => {
  const clock = new Clock()
  const start = new SlowStart(clock.nowMs + 20_000, clock.now)
  round(start, clock, { up: 100_000, down: 100_000, ms: 20 })
  const { upBytes, downBytes, bundleBytes, receiveWindowBytes } = new Pace()
  expect(start).toMatchObject({ upBytes, downBytes, bundleBytes, receiveWindowBytes })
  clock.nowMs += 30_000
  expect(start).toMatchObject({ upBytes: 4 * KIB, downBytes: 4 * KIB })
})

it('finds out in the middle of an answer, and by no clock that was set back', () => {
  const clock = new Clock()
  const start = new SlowStart(clock.nowMs + 20_000, clock.now)
  start.sent(100)
  clock.nowMs += 4_000
  start.received(100_000)
  expect(start.receiveWindowBytes).toBe(100_000)
  clock.nowMs -= 4_001
  start.received(100_000)
  expect(start.receiveWindowBytes).toBe(Math.floor((25_000 * 20_001) / 4_000))
})

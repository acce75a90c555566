// A clock that stands still until a test moves it.
import type { Platform } from '../../client/src/platform.ts'

interface Alarm {
  readonly atMs: number
  readonly ring: () => void
}

export class VirtualTime implements Pick<Platform, 'now' | 'setTimeout' | 'clearTimeout'> {
  nowMs = 1_000_000
  /** By how much the clock was set; timers do not mind. */
  clockSetByMs = 0
  readonly #alarms = new Set<Alarm>()

  /** For a device that lives in it. */
  get platform(): Pick<Platform, 'now' | 'setTimeout' | 'clearTimeout'> {
    return {
      now: () => this.now(),
      setTimeout: (ring, delayMs) => this.setTimeout(ring, delayMs),
      clearTimeout: (alarm) => this.clearTimeout(alarm),
    }
  }

  now(): number {
    return this.nowMs + this.clockSetByMs
  }

  setTimeout(ring: () => void, delayMs: number): Alarm {
    const alarm = { atMs: this.nowMs + delayMs, ring }
    this.#alarms.add(alarm)
    return alarm
  }

  clearTimeout(alarm: unknown): void {
    this.#alarms.delete(alarm as Alarm)
  }

  /** Lets time pass, with what it brings done before the next alarm rings. */
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.nowMs + durationMs
    for (;;) {
      await settle()
      const next = [...this.#alarms].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#alarms.delete(next)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.ring()
    }
    this.nowMs = untilMs
    await settle()
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

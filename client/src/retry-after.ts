// How long a relay may ask to be left alone: a number from outside, which apps and timers are to count with.

/** No relay is obeyed for longer. */
const RETRY_AFTER_MS_MAX: number = 60 * 60_000

export function retryAfterOf(askedMs: number): number {
  return Math.min(Math.max(0, askedMs), RETRY_AFTER_MS_MAX)
}

// All chance of a run comes out of one seed, so that the same seed repeats the same run.

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
    // Neighbouring seeds would begin alike.
    for (let i = 0; i < 8; i++) this.next()
  }

  /** 0 to below 1. Mulberry32, by Tommy Ettinger; public domain. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.next() * items.length)]
    if (items.length === 0) throw new Error('There is nothing to pick from')
    return item as Item
  }

  /** An index, each as likely as its weight says. */
  weighted(weights: readonly number[]): number {
    let left = this.next() * weights.reduce((sum, weight) => sum + weight, 0)
    return Math.max(
      0,
      weights.findIndex((weight) => {
        left -= weight
        return left < 0
      }),
    )
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.between(0, 255))
  }

  /** Another source that goes its own way, whatever is drawn from this one afterwards. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32))
  }
}

// A set of Yjs ids: per client, sorted and coalesced ranges of clocks. Holds structs or deletions alike.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Clocks from `start` up to and without `end`. */
export interface ClockRange {
  readonly start: number
  readonly end: number
}

export class IdSet {
  readonly #clients = new Map<number, ClockRange[]>()

  get isEmpty(): boolean {
    return this.#clients.size === 0
  }

  clients(): IterableIterator<number> {
    return this.#clients.keys()
  }

  /** Ascending, never touching each other. */
  ranges(client: number): readonly ClockRange[] {
    return this.#clients.get(client) ?? []
  }

  add(client: number, start: number, end: number): void {
    if (end <= start) return
    const ranges = this.#clients.get(client)
    if (ranges === undefined) {
      this.#clients.set(client, [{ start, end }])
      return
    }
    const from = firstEndingAtOrAfter(ranges, start)
    let to = from
    let merged = { start, end }
    for (let range = ranges[to]; range !== undefined && range.start <= end; range = ranges[++to]) {
      merged = { start: Math.min(merged.start, range.start), end: Math.max(merged.end, range.end) }
    }
    ranges.splice(from, to - from, merged)
  }

  remove(client: number, start: number, end: number): void {
    const ranges = this.#clients.get(client)
    if (ranges === undefined || end <= start) return
    const from = firstEndingAtOrAfter(ranges, start + 1)
    const rest: ClockRange[] = []
    let to = from
    for (let range = ranges[to]; range !== undefined && range.start < end; range = ranges[++to]) {
      if (range.start < start) rest.push({ start: range.start, end: start })
      if (range.end > end) rest.push({ start: end, end: range.end })
    }
    ranges.splice(from, to - from, ...rest)
    if (ranges.length === 0) this.#clients.delete(client)
  }

  addAll(other: IdSet): void {
    for (const [client, ranges] of other.#clients) {
      for (const { start, end } of ranges) this.add(client, start, end)
    }
  }

  removeAll(other: IdSet): void {
    // Walk whichever side knows fewer clients: a remote update may name thousands that this set does not hold.
    const clients = other.#clients.size < this.#clients.size ? other.#clients : this.#clients
    for (const client of [...clients.keys()]) {
      for (const { start, end } of other.ranges(client)) this.remove(client, start, end)
    }
  }

  has(client: number, clock: number): boolean {
    const ranges = this.ranges(client)
    const range = ranges[firstEndingAtOrAfter(ranges, clock + 1)]
    return range !== undefined && range.start <= clock
  }

  /** Whether every id of `other` is in this set. */
  includes(other: IdSet): boolean {
    for (const [client, ranges] of other.#clients) {
      const own = this.ranges(client)
      for (const { start, end } of ranges) {
        const around = own[firstEndingAtOrAfter(own, end)]
        if (around === undefined || around.start > start) return false
      }
    }
    return true
  }

  intersects(other: IdSet): boolean {
    for (const [client, ranges] of other.#clients) {
      const own = this.ranges(client)
      for (const { start, end } of ranges) {
        const around = own[firstEndingAtOrAfter(own, start + 1)]
        if (around !== undefined && around.start < end) return true
      }
    }
    return false
  }

  copy(): IdSet {
    const copy = new IdSet()
    for (const [client, ranges] of this.#clients) copy.#clients.set(client, ranges.slice())
    return copy
  }

  without(other: IdSet): IdSet {
    const rest = this.copy()
    rest.removeAll(other)
    return rest
  }

  /** count, (client, count, (start, length)*)*, clients ascending, as varuints. Equal sets give equal bytes. */
  write(encoder: encoding.Encoder): void {
    const clients = [...this.#clients.keys()].sort((a, b) => a - b)
    encoding.writeVarUint(encoder, clients.length)
    for (const client of clients) {
      const ranges = this.ranges(client)
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, ranges.length)
      for (const { start, end } of ranges) {
        encoding.writeVarUint(encoder, start)
        encoding.writeVarUint(encoder, end - start)
      }
    }
  }

  static read(decoder: decoding.Decoder): IdSet {
    const set = new IdSet()
    for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
      const client = decoding.readVarUint(decoder)
      for (let ranges = decoding.readVarUint(decoder); ranges > 0; ranges--) {
        const start = decoding.readVarUint(decoder)
        set.add(client, start, start + decoding.readVarUint(decoder))
      }
    }
    return set
  }
}

function firstEndingAtOrAfter(ranges: readonly ClockRange[], clock: number): number {
  let low = 0
  let high = ranges.length
  // Ranges mostly grow at their end.
  const last = ranges[high - 1]
  if (last !== undefined && last.end < clock) return high
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle] as ClockRange).end < clock) low = middle + 1
    else high = middle
  }
  return low
}

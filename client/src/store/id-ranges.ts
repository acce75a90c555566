// Sets of row ids as runs of consecutive ones, because what a device removes is nearly always a run.

/** Both ends belong to it. */
type IdRange = readonly [first: number, last: number]

/** In order, without overlaps, and no two that touch. */
export type IdRanges = readonly IdRange[]

export function rangesOf(ids: Iterable<number>): IdRanges {
  return joined([...ids].sort((a, b) => a - b).map((id) => [id, id]))
}

export function unionOf(a: IdRanges, b: IdRanges): IdRanges {
  return joined([...a, ...b].sort(([a], [b]) => a - b))
}

export function isInRanges(ranges: IdRanges, id: number): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const [first, last] = ranges[middle] as IdRange
    if (id < first) high = middle
    else if (id > last) low = middle + 1
    else return true
  }
  return false
}

/** How many of the ids from `first` to `last` belong to it. */
export function countInRanges(ranges: IdRanges, first: number, last: number): number {
  let count = 0
  for (const [from, to] of ranges) count += Math.max(0, Math.min(to, last) - Math.max(from, first) + 1)
  return count
}

function joined(sorted: IdRanges): IdRanges {
  const ranges: [number, number][] = []
  for (const [first, last] of sorted) {
    const previous = ranges.at(-1)
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last)
    else ranges.push([first, last])
  }
  return ranges
}

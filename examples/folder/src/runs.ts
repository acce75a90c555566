// What was changed between two lists of tokens. Takes as long as the lists are, times a constant, also where they have nothing in
// common; so it finds a short list of changes, and not always the shortest. Knows nothing of texts.

/** Of positions, half-open: a run of both texts that is replaced. */
export interface Run {
  before: number
  beforeEnd: number
  after: number
  afterEnd: number
}

/** Edits after which the best beginning found so far is taken for good, and the search goes on from its end. */
const EDITS_MAX = 400

/** What is replaced by what, in order; everything between is the same in both. */
export function runsBetween(old: readonly string[], now: readonly string[]): readonly Run[] {
  let [oldEnd, nowEnd] = [old.length, now.length]
  let [x, y] = [0, 0]
  // The beginning first: what was written behind a full stop is not put before it.
  while (x < oldEnd && y < nowEnd && old[x] === now[y]) {
    x++
    y++
  }
  while (oldEnd > x && nowEnd > y && old[oldEnd - 1] === now[nowEnd - 1]) {
    oldEnd--
    nowEnd--
  }
  const runs: Run[] = []
  while (x < oldEnd || y < nowEnd) {
    const isEnd = x === oldEnd || y === nowEnd
    const steps = isEnd
      ? [{ before: x, beforeEnd: oldEnd, after: y, afterEnd: nowEnd }]
      : stepsFrom(old, now, { x, y, oldEnd, nowEnd })
    for (const step of steps) {
      const last = runs.at(-1)
      if (last?.beforeEnd === step.before && last.afterEnd === step.after) {
        last.beforeEnd = step.beforeEnd
        last.afterEnd = step.afterEnd
      } else if (step.before < step.beforeEnd || step.after < step.afterEnd) runs.push(step)
      x = step.beforeEnd
      y = step.afterEnd
    }
  }
  return runs
}

interface Stretch {
  readonly x: number
  readonly y: number
  readonly oldEnd: number
  readonly nowEnd: number
}

/**
 * Myers, An O(ND) Difference Algorithm and Its Variations (1986), greedy: `reach[k]` is how far the best path on diagonal k
 * gets in the old text. Ends where both texts do, or after EDITS_MAX edits on the path that got furthest.
 */
function stepsFrom(old: readonly string[], now: readonly string[], stretch: Stretch): readonly Run[] {
  const { x: x0, y: y0, oldEnd, nowEnd } = stretch
  const reached: Int32Array[] = []
  let reach = new Int32Array(2 * EDITS_MAX + 3)
  const middle = EDITS_MAX + 1
  for (let edits = 0; ; edits++) {
    const next = reach.slice()
    let best = { diagonal: 0, sum: -1 }
    for (let k = -edits; k <= edits; k += 2) {
      let x = edits === 0 ? 0 : fromNeighbour(reach, middle + k, k, edits).x
      while (x0 + x < oldEnd && y0 + x - k < nowEnd && x - k >= 0 && old[x0 + x] === now[y0 + x - k]) x++
      next[middle + k] = x
      const isInside = x0 + x <= oldEnd && x - k >= 0 && y0 + x - k <= nowEnd
      if (isInside && 2 * x - k > best.sum) best = { diagonal: k, sum: 2 * x - k }
    }
    reached.push(next)
    reach = next
    const x = next[middle + best.diagonal] ?? 0
    const isWhole = x0 + x === oldEnd && y0 + x - best.diagonal === nowEnd
    if (isWhole || edits === EDITS_MAX) return pathTo(best.diagonal, reached, middle, stretch)
  }
}

/** Whether the path came to diagonal k by an addition, from k + 1, or by a removal, from k - 1. */
function fromNeighbour(reach: Int32Array, at: number, k: number, edits: number): { x: number; isAddition: boolean } {
  const [added, removed] = [reach[at + 1] ?? 0, (reach[at - 1] ?? 0) + 1]
  const isAddition = k === -edits || (k !== edits && added >= removed)
  return { x: isAddition ? added : removed, isAddition }
}

/** The edits of the path, in order, and last an empty one that says where it ends. */
function pathTo(diagonal: number, reached: readonly Int32Array[], middle: number, { x: x0, y: y0 }: Stretch): Run[] {
  const end = x0 + (reached.at(-1)?.[middle + diagonal] ?? 0)
  const steps: Run[] = []
  const [x, y] = [end, y0 + end - x0 - diagonal]
  steps.push({ before: x, beforeEnd: x, after: y, afterEnd: y })
  let k = diagonal
  for (let edits = reached.length - 1; edits > 0; edits--) {
    const reach = reached[edits - 1]
    if (reach === undefined) break
    const from = fromNeighbour(reach, middle + k, k, edits)
    const [afterX, afterY] = [x0 + from.x, y0 + from.x - k]
    if (from.isAddition) steps.push({ before: afterX, beforeEnd: afterX, after: afterY - 1, afterEnd: afterY })
    else steps.push({ before: afterX - 1, beforeEnd: afterX, after: afterY, afterEnd: afterY })
    k += from.isAddition ? 1 : -1
  }
  return steps.reverse()
}

// A V8 processor profile by self time, gathered into the parts of the relay that it was spent in. Native code that V8
// does not place counts for the part that called it.
import { LABELS } from './table.mjs'

const PARTS = [
  [/\/relay\/dist\/store\//, 'relay: store'],
  [/\/relay\/dist\/session\//, 'relay: session'],
  [/\/relay\/dist\/carrier\//, 'relay: carriers'],
  [/\/relay\/dist\//, 'relay: the rest'],
  [/\/protocol\/dist\//, 'protocol'],
  [/\/node_modules\/(lmdb|msgpackr|ordered-binary|weak-lru-cache)\//, 'lmdb'],
  [/\/node_modules\/ws\//, 'ws'],
  [/^node:(_http|internal\/http)/, 'node: http'],
  [/^node:(net|internal\/(stream_base|net|streams|js_stream)|stream|_stream)/, 'node: sockets and streams'],
  [/^node:internal\/crypto|^node:crypto/, 'node: crypto'],
  [/^node:(internal\/timers|timers)/, 'node: timers'],
  [/^node:/, 'node: the rest'],
]
/** Not the relay's: waiting, and the profiler itself. */
const LEFT_OUT = /^\(idle\)$|^dispatch$/
const FUNCTIONS_SHOWN = 25

/** `before` and `after`: ticks by thread, or null where they are not known. */
export function printProfile({ kind, concurrency, bursts, before, after, profile }) {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])))
  const selfTimes = new Map()
  for (const [position, id] of profile.samples.entries()) add(selfTimes, id, profile.timeDeltas[position])
  const byPart = new Map()
  const byFunction = new Map()
  let total = 0
  for (const [id, time] of selfTimes) {
    const { callFrame } = nodes.get(id)
    if (LEFT_OUT.test(callFrame.functionName)) continue
    const part = partOf(id, nodes, parents)
    add(byPart, part, time)
    add(byFunction, `${callFrame.functionName || '(anonymous)'}, ${placeOf(callFrame, part)}`, time)
    total += time
  }
  console.log(`\n${concurrency} at once, ${bursts} bursts of ${LABELS[kind]}: the main thread by self time`)
  if (before !== null) {
    const main = after.main - before.main
    const others = after.others - before.others
    const share = ((others / (main + others)) * 100).toFixed(0)
    console.log(`  (${share} % of the processor time is other threads': commits, garbage collection, the profiler)`)
  }
  printShares(byPart, total)
  console.log('  functions')
  printShares(byFunction, total, FUNCTIONS_SHOWN)
}

function partOf(id, nodes, parents) {
  for (let at = id; at !== undefined; at = parents.get(at)) {
    const { url, functionName } = nodes.get(at).callFrame
    if (/^\((garbage collector|program)\)$/.test(functionName)) return functionName
    const known = PARTS.find(([pattern]) => pattern.test(url))
    if (known !== undefined) return known[1]
  }
  return 'native'
}

function placeOf({ url, lineNumber }, part) {
  return url === '' ? `native, for ${part}` : `${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`
}

function printShares(shares, total, count = shares.size) {
  const sorted = [...shares].sort((one, other) => other[1] - one[1])
  for (const [label, time] of sorted.slice(0, count)) {
    console.log(`  ${((time / total) * 100).toFixed(1).padStart(5)} %  ${label}`)
  }
}

function add(times, key, time) {
  times.set(key, (times.get(key) ?? 0) + time)
}

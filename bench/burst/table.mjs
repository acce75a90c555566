// Figures for people: medians with their spread. Ratios are taken within a round, since the machine drifts between
// them; the times beside them are of one machine in one hour.
export const LABELS = {
  websocketEcho: 'ws: accept, echo, close',
  tidemark: 'Tidemark over WebSocket',
  httpEcho: 'HTTP echo, new connection',
  httpEchoKeptAlive: 'HTTP echo, kept alive',
  tidemarkHttpKeptAlive: 'Tidemark over HTTP, kept alive',
}
const RATIOS = [
  ['tidemark', 'websocketEcho'],
  ['tidemark', 'httpEcho'],
  ['tidemarkHttpKeptAlive', 'httpEchoKeptAlive'],
  ['websocketEcho', 'httpEcho'],
]
const WIDTH = 62

/** `costs`: by kind, microseconds of the server's processor time per burst in each round. */
export function printMeasurement(concurrency, costs) {
  console.log(`\n${concurrency} at once, ${costs.tidemark.length} rounds; median [least to most]`)
  for (const [kind, label] of Object.entries(LABELS)) {
    console.log(`  ${label.padEnd(WIDTH)}${spread(costs[kind], 0)} µs`)
  }
  for (const [kind, floor] of RATIOS) {
    const ratios = costs[kind].map((cost, round) => cost / costs[floor][round])
    console.log(`  ${`${LABELS[kind]} / ${LABELS[floor]}`.padEnd(WIDTH)}${spread(ratios, 2)} x`)
  }
}

export function spread(figures, digits) {
  const sorted = figures.toSorted((one, other) => one - other)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
  const [least, medianText, most] = [sorted[0], median, sorted.at(-1)].map((figure) => figure.toFixed(digits))
  return `${medianText.padStart(6)} [${least} to ${most}]`
}

// `npm run bench stores`: what it costs to open a long document from each device store, as ratios to Y.applyUpdate of the
// same document, taken in the same round. Nothing here decides anything by a time: docs/stores.md says how to read it.
import { parseArgs } from 'node:util'
import { Tidemark } from '@tidemark/client/node'
import * as Y from 'yjs'
import { spread } from '../burst/table.mjs'
import { type } from './novel.mjs'
import { newSubjects } from './subjects.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    edits: { type: 'string', default: '250000' },
    'per-commit': { type: 'string', default: '100' },
  },
})
const [rounds, edits, atOnce] = [values.rounds, values.edits, values['per-commit']].map(Number)
if (![rounds, edits, atOnce].every((number) => Number.isSafeInteger(number) && number > 0)) {
  console.error('--rounds, --edits and --per-commit take whole numbers above 0')
  process.exit(1)
}

const DOCUMENT = 'alice/novel'
const WIDTH = 40

const { stores, dispose } = newSubjects()
try {
  const rowCounts = {}
  for (const [name, store] of Object.entries(stores)) {
    await typeInto(store)
    rowCounts[name] = await rowsIn(store)
  }
  const state = await stateIn(stores.memory)
  const ratios = Object.fromEntries(Object.keys(stores).map((name) => [name, { rows: [], open: [] }]))
  const floors = []
  for (let round = 0; round < rounds; round += 1) {
    const floor = await costOf(() => Y.applyUpdate(new Y.Doc(), state))
    floors.push(floor)
    for (const [name, store] of Object.entries(stores)) {
      ratios[name].rows.push((await costOf(() => rowsIn(store))) / floor)
      ratios[name].open.push((await costOf(() => openAndClose(store))) / floor)
    }
  }
  console.log(
    `\n${edits} edits, ${atOnce} in a commit; ${state.length} bytes of state; ${rounds} rounds; median [least to most]`,
  )
  console.log(`  ${'Y.applyUpdate of the state'.padEnd(WIDTH)}${spread(floors, 0)} ms`)
  for (const [name, { rows, open }] of Object.entries(ratios)) {
    const { count, bytes } = rowCounts[name]
    console.log(`  ${`${name}: ${count} rows, ${bytes} bytes`}`)
    console.log(`  ${'  store opened, rows read, closed'.padEnd(WIDTH)}${spread(rows, 2)} x`)
    console.log(`  ${'  Tidemark made, document opened, closed'.padEnd(WIDTH)}${spread(open, 2)} x`)
  }
} finally {
  dispose()
}

function device(store) {
  return new Tidemark({ relays: ['ws://127.0.0.1:9'], token: 'none', store, schedule: false })
}

async function typeInto(store) {
  const tidemark = device(store)
  const { doc } = await tidemark.open(DOCUMENT)
  await type(doc.getText('body'), { edits, atOnce, pause: () => tidemark.flush() })
  await tidemark.close()
}

async function stateIn(store) {
  const tidemark = device(store)
  const { doc } = await tidemark.open(DOCUMENT)
  const state = Y.encodeStateAsUpdate(doc)
  await tidemark.close()
  return state
}

async function rowsIn(store) {
  const opened = await store.open()
  const rows = await opened.rows(DOCUMENT)
  await opened.close()
  return { count: rows.length, bytes: rows.reduce((sum, { bytes }) => sum + bytes.length, 0) }
}

async function openAndClose(store) {
  const tidemark = device(store)
  await tidemark.open(DOCUMENT)
  await tidemark.close()
}

/** Milliseconds of processor time, all threads: less than a busy machine's clock says, and steadier. */
async function costOf(act) {
  globalThis.gc?.()
  const start = process.cpuUsage()
  await act()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

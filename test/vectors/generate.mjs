// Fills in `hex` beside each `frame` or `frames` of frames.json and messages.json from the built codec, and prints the
// pin for test/protocol/vectors-pin.test.ts. Run after a build: node test/vectors/generate.mjs
// Everything else in this directory is written by hand, and no test writes here.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { encodeFrames } from '../../protocol/dist/index.js'

const BYTE_FIELDS = new Set(
  'bytes deviceId digest epoch fingerprint generation id incarnation mark pushId receipt snapshotId tag'.split(' '),
)

function fromVector(value, field = '') {
  if (typeof value === 'string') return BYTE_FIELDS.has(field) ? Uint8Array.from(Buffer.from(value, 'hex')) : value
  if (Array.isArray(value)) return value.map((item) => fromVector(item))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fromVector(inner, name)]))
}

function update(name, change) {
  const file = new URL(name, import.meta.url)
  const content = JSON.parse(readFileSync(file, 'utf8'))
  change(content)
  writeFileSync(file, `${JSON.stringify(content, null, 1)}\n`)
}

update('frames.json', ({ frames }) => {
  for (const vector of frames) vector.hex = Buffer.from(encodeFrames([fromVector(vector.frame)])).toString('hex')
})
update('messages.json', ({ both }) => {
  for (const vector of both) vector.hex = Buffer.from(encodeFrames(fromVector(vector.frames))).toString('hex')
})

const hash = createHash('sha256')
for (const name of readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.json')).sort()) {
  hash.update(`${name}\0`).update(readFileSync(new URL(name, import.meta.url)))
}
process.stdout.write(`${hash.digest('hex')}\n`)

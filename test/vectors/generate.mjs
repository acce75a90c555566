// Fills in what the built codecs make of the hand-written parts: `hex` beside each `frame`, `frames` and `snapshot`, the
// digests of claims, and what is said of documents. Prints the pin for test/protocol/vectors-pin.test.ts.
// Run after a build: node test/vectors/generate.mjs
// Everything else in this directory is written by hand, and no test writes here.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as Y from 'yjs'
import { canonOf, gapFingerprintOf, missingPairsOf } from '../../client/dist/document/canon.js'
import { claimOf } from '../../client/dist/document/claim.js'
import { deepDigestOf } from '../../client/dist/document/deep-digest.js'
import { encodeSnapshotPayload, snapshotIdOf } from '../../client/dist/document/snapshot-payload.js'
import { encodeFrames } from '../../protocol/dist/index.js'

const BYTE_FIELDS = new Set(
  `bytes canon deepDigest deviceId digest epoch fingerprint generation id incarnation key mark payload pushId receipt
  snapshotId tag update`.split(/\s+/),
)

function fromVector(value, field = '') {
  if (typeof value === 'string') return BYTE_FIELDS.has(field) ? Uint8Array.from(Buffer.from(value, 'hex')) : value
  if (Array.isArray(value)) return value.map((item) => fromVector(item))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fromVector(inner, name)]))
}

const toHex = (bytes) => Buffer.from(bytes).toString('hex')

function update(name, change) {
  const file = new URL(name, import.meta.url)
  const content = JSON.parse(readFileSync(file, 'utf8'))
  change(content)
  writeFileSync(file, `${JSON.stringify(content, null, 1)}\n`)
}

update('frames.json', ({ frames }) => {
  for (const vector of frames) vector.hex = toHex(encodeFrames([fromVector(vector.frame)]))
})
update('messages.json', ({ both }) => {
  for (const vector of both) vector.hex = toHex(encodeFrames(fromVector(vector.frames)))
})
update('claims.json', ({ claims, documents }) => {
  for (const vector of claims) vector.digest = toHex(claimOf(fromVector(vector)))
  for (const vector of documents) {
    const doc = new Y.Doc()
    for (const update of vector.updates) Y.applyUpdate(doc, Buffer.from(update, 'hex'))
    // Frees what is complete and yet pending.
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(doc))
    vector.canon = toHex(canonOf(doc))
    vector.missing = missingPairsOf(doc)
    vector.gapFingerprint = toHex(gapFingerprintOf(vector.missing))
    vector.deepDigest = toHex(deepDigestOf(doc))
  }
})
update('snapshots.json', ({ snapshots }) => {
  for (const vector of snapshots) {
    const payload = encodeSnapshotPayload(fromVector(vector.snapshot))
    vector.hex = toHex(payload)
    vector.snapshotId = toHex(snapshotIdOf(payload))
  }
})

const hash = createHash('sha256')
for (const name of readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.json')).sort()) {
  hash.update(`${name}\0`).update(readFileSync(new URL(name, import.meta.url)))
}
process.stdout.write(`${hash.digest('hex')}\n`)

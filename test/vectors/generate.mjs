// Fills in what the built codecs make of the hand-written parts: `hex` beside each `frame`, `frames` and `snapshot`, the
// digests of claims, what is said of documents, and what is sealed. Prints the pin for test/protocol/vectors-pin.test.ts.
// Run after a build: node test/vectors/generate.mjs
// Everything else in this directory is written by hand, and no test writes here.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as Y from 'yjs'
import { encodeEnvelope } from '../../client/dist/crypto/envelope.js'
import { paddedLength } from '../../client/dist/crypto/padding.js'
import { suite1 } from '../../client/dist/crypto/suite-1.js'
import { canonOf, gapFingerprintOf, missingPairsOf } from '../../client/dist/document/canon.js'
import { claimOf, claimProfile } from '../../client/dist/document/claim.js'
import { deepDigestOf } from '../../client/dist/document/deep-digest.js'
import { payloadId } from '../../client/dist/document/payload-id.js'
import { encodeSnapshotPayload, snapshotIdOf } from '../../client/dist/document/snapshot-payload.js'
import { encodeFrames } from '../../protocol/dist/index.js'

const BYTE_FIELDS = new Set(
  `bytes canon contentKey deepDigest deviceId digest digestKey epoch fingerprint generation id incarnation key mark nonce
  payload prefix pushId receipt snapshotId tag update`.split(/\s+/),
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
update('encryption.json', ({ padding, keys, entries, snapshots, longSnapshot, claims }) => {
  for (const vector of padding) vector.padded = paddedLength(vector.length)
  for (const vector of keys) {
    const { content, digest } = suite1.derive(fromVector(vector.key, 'key'), vector.documentId)
    Object.assign(vector, { contentKey: toHex(content), digestKey: toHex(digest) })
  }
  for (const vector of entries) {
    const { key, keyId, documentId, nonce, update } = fromVector(vector)
    const context = { documentId, keyId, format: 17 }
    const sealed = suite1.sealEntry(suite1.derive(key, documentId), context, update, () => nonce)
    const payload = encodeEnvelope({ suite: suite1.number, keyId, sealed })
    Object.assign(vector, { hex: toHex(payload), pushId: toHex(payloadId(payload, 17)) })
  }
  for (const vector of snapshots) {
    const payload = sealedSnapshot(fromVector(vector), fromVector(vector.snapshot))
    Object.assign(vector, { hex: toHex(payload), snapshotId: toHex(snapshotIdOf(payload)) })
  }
  const { mark, deepDigest } = fromVector(longSnapshot)
  const long = Uint8Array.from({ length: longSnapshot.updateLength }, (_, i) => i % 251)
  const payload = sealedSnapshot(fromVector(longSnapshot), { mark, deepDigest, held: [], update: long })
  Object.assign(longSnapshot, { byteLength: payload.length, snapshotId: toHex(snapshotIdOf(payload)) })
  for (const vector of claims) {
    const { key, keyId, documentId, mark, canon } = fromVector(vector)
    vector.digest = toHex(claimOf({ documentId, mark, canon, key: suite1.derive(key, documentId).digest }))
    vector.profile = claimProfile([], keyId)
  }
})

function sealedSnapshot({ key, keyId, documentId, prefix }, snapshot) {
  const keys = suite1.derive(key, documentId)
  const seal = (mark, content) => {
    const context = { documentId, keyId, format: 17, mark }
    return { suite: suite1.number, sealed: suite1.sealSnapshot(keys, context, content, () => prefix) }
  }
  return encodeSnapshotPayload(snapshot, { keyId, seal })
}

const hash = createHash('sha256')
for (const name of readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.json')).sort()) {
  hash.update(`${name}\0`).update(readFileSync(new URL(name, import.meta.url)))
}
process.stdout.write(`${hash.digest('hex')}\n`)

// A blog post whose positions count code points, while those of a Y.Text count UTF-16 units. The recording itself stays
// within the Basic Multilingual Plane, so a second test makes one of its letters an astral one, in edits and outcome.
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { describe, expect } from 'vitest'
import { startRelayServer } from '../support/relay-server.ts'
import { itWithTrace, type Patch, patchesOf, Typist } from '../support/traces.ts'

const DOCUMENT = 'alice/blog'
const EDITS_PER_BURST = 1_500
const EDITS_PER_TURN = 50
/** A letter that the post has everywhere, and one of two UTF-16 units to stand for it. */
const LETTER = 'e'
const ASTRAL = '\u{1D452}'

describe('seph-blog1', () => {
  itWithTrace(
    'seph-blog1',
    'typed on one device, is pulled by another',
    (trace) => typeAndPull(patchesOf(trace), trace.endContent),
    120_000,
  )

  itWithTrace(
    'seph-blog1',
    'with an astral letter in place of a plain one, keeps every surrogate pair whole',
    (trace) => {
      const patches = patchesOf(trace).map(([at, deleted, text]): Patch => [at, deleted, toAstral(text)])
      return typeAndPull(patches, toAstral(trace.endContent))
    },
    120_000,
  )
})

async function typeAndPull(patches: readonly Patch[], endContent: string): Promise<void> {
  const { url, token, close } = await startRelayServer()
  const device = (): Tidemark => new Tidemark({ store: memoryStore(), relays: [url], token, schedule: false })
  const writer = device()
  const reader = device()
  const written = await writer.open(DOCUMENT)
  const typist = new Typist(written.doc.getText('t'))
  let edits = 0
  for (const patch of patches) {
    typist.type(patch)
    edits++
    if (edits % EDITS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    if (edits % EDITS_PER_BURST === 0) expect((await writer.sync()).complete).toBe(true)
  }
  expect(edits).toBe(137_993)
  expect((await writer.sync()).complete).toBe(true)
  const read = await reader.open(DOCUMENT)
  expect((await reader.sync()).complete).toBe(true)
  expect(written.doc.getText('t').toString()).toBe(endContent)
  expect(read.doc.getText('t').toString()).toBe(endContent)
  await writer.close()
  await reader.close()
  await close()
}

function toAstral(text: string): string {
  return text.replaceAll(LETTER, ASTRAL)
}

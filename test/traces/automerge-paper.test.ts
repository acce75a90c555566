// A paper of 259,778 single edits, typed on one device and read on another, through a relay with sockets and a disk.
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { describe, expect } from 'vitest'
import { startRelayServer } from '../support/relay-server.ts'
import { itWithTrace, patchesOf, Typist } from '../support/traces.ts'

const DOCUMENT = 'alice/paper'
const EDITS_PER_BURST = 1_000
const BURSTS_PER_READING = 7
/** The rest of the program gets a turn. */
const EDITS_PER_TURN = 50

describe('automerge-paper', () => {
  itWithTrace(
    'automerge-paper',
    'typed on one device with a burst every 1,000 edits, arrives on the other',
    async (trace) => {
      const { url, token, close } = await startRelayServer()
      const device = (): Tidemark => new Tidemark({ store: memoryStore(), relays: [url], token, schedule: false })
      const writer = device()
      const reader = device()
      const written = await writer.open(DOCUMENT)
      const read = await reader.open(DOCUMENT)
      const typist = new Typist(written.doc.getText('t'))
      let edits = 0
      let bursts = 0
      for (const patch of patchesOf(trace)) {
        typist.type(patch)
        edits++
        if (edits % EDITS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
        if (edits % EDITS_PER_BURST !== 0) continue
        expect((await writer.sync()).complete).toBe(true)
        bursts++
        if (bursts % BURSTS_PER_READING !== 0) continue
        expect((await reader.sync()).complete).toBe(true)
        expect(read.doc.getText('t').toString()).toBe(written.doc.getText('t').toString())
      }
      expect(edits).toBe(259_778)
      expect((await writer.sync()).complete).toBe(true)
      expect((await reader.sync()).complete).toBe(true)
      expect(written.status).toMatchObject({ safety: expect.stringMatching(/on-relay|confirmed/), unsentBytes: 0 })
      expect(written.doc.getText('t').toString()).toBe(trace.endContent)
      expect(read.doc.getText('t').toString()).toBe(trace.endContent)
      await writer.close()
      await reader.close()
      await close()
    },
    120_000,
  )
})

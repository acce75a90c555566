// Two people at one text, each with the edits of a recorded author, who burst at random moments, quit and come back.
// Whatever the schedule, both devices hold what a plain Y.Doc holds that was given the same updates.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore, Tidemark, type TidemarkDocument } from '@tidemark/client/node'
import { describe, expect } from 'vitest'
import * as Y from 'yjs'
import { Random } from '../simulation/random.ts'
import { type RelayServer, startRelayServer } from '../support/relay-server.ts'
import { itWithTrace, type Patch } from '../support/traces.ts'

const DOCUMENT = 'alice/friends'
const SEED = 20_261
const BURST_CHANCE = 1 / 150
const REOPEN_CHANCE = 1 / 1_500
const EDITS_PER_TURN = 20

describe('friendsforever, at random', () => {
  itWithTrace(
    'friendsforever',
    'devices that burst at random moments and are reopened now and then hold what a plain Y.Doc holds',
    async (trace) => {
      const random = new Random(SEED)
      const server = await startRelayServer()
      const reference = new Y.Doc()
      const people = [await Person.start(server, reference), await Person.start(server, reference)] as const
      let edits = 0
      for (const { agent, patches } of trace.txns) {
        const person = people[agent] as Person
        for (const patch of patches) person.type(patch)
        edits++
        if (edits % EDITS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
        if (random.chance(BURST_CHANCE)) expect((await random.pick(people).tidemark.sync()).complete).toBe(true)
        if (random.chance(REOPEN_CHANCE)) await random.pick(people).reopen()
      }
      const clientIds = people.reduce((sum, { clientIds }) => sum + clientIds.size, 0)
      expect(clientIds).toBeGreaterThan(10)
      for (const { tidemark } of [...people, people[0]]) expect((await tidemark.sync()).complete).toBe(true)
      for (const { document } of people) {
        expect(document.doc.getText('t').toString()).toBe(reference.getText('t').toString())
        expect(Y.encodeStateVector(document.doc)).toEqual(Y.encodeStateVector(reference))
        expect(Y.equalSnapshots(Y.snapshot(document.doc), Y.snapshot(reference))).toBe(true)
        expect(document.status).toMatchObject({ safety: expect.stringMatching(/on-relay|confirmed/), unsentBytes: 0 })
      }
      for (const person of people) await person.leave()
      await server.close()
    },
    120_000,
  )
})

class Person {
  readonly clientIds = new Set<number>()
  tidemark: Tidemark
  document: TidemarkDocument
  readonly #server: RelayServer
  readonly #reference: Y.Doc
  readonly #directory: string

  static async start(server: RelayServer, reference: Y.Doc): Promise<Person> {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-device-'))
    const tidemark = startTidemark(server, directory)
    return new Person(server, reference, directory, tidemark, await tidemark.open(DOCUMENT))
  }

  private constructor(
    server: RelayServer,
    reference: Y.Doc,
    directory: string,
    tidemark: Tidemark,
    document: TidemarkDocument,
  ) {
    this.#server = server
    this.#reference = reference
    this.#directory = directory
    this.tidemark = tidemark
    this.document = document
    this.#watch()
  }

  /** Where the recording says, or at the end of what this device has. */
  type([position, deleted, inserted]: Patch): void {
    const text = this.document.doc.getText('t')
    const at = Math.min(position, text.length)
    this.document.doc.transact(() => {
      if (deleted > 0) text.delete(at, Math.min(deleted, text.length - at))
      text.insert(at, inserted)
    }, this)
  }

  async reopen(): Promise<void> {
    await this.tidemark.close()
    this.tidemark = startTidemark(this.#server, this.#directory)
    this.document = await this.tidemark.open(DOCUMENT)
    this.#watch()
  }

  async leave(): Promise<void> {
    await this.tidemark.close()
    rmSync(this.#directory, { recursive: true })
  }

  #watch(): void {
    const { doc } = this.document
    this.clientIds.add(doc.clientID)
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === this) Y.applyUpdate(this.#reference, update)
    })
  }
}

function startTidemark({ url, token }: RelayServer, directory: string): Tidemark {
  return new Tidemark({ store: fileStore(directory), relays: [url], token, schedule: false })
}

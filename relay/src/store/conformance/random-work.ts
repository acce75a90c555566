// Random work beside the plainest model of a store: arrays. The seed stands in the name of a test that fails.
import assert from 'node:assert/strict'
import type { RelayStore, StorePush } from '../contract.ts'
import {
  append,
  at,
  bytesPush,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  readPage,
  type Stored,
  type StoreUnderTest,
  withStore,
} from './subject.ts'

const SEEDS = 6
const ROUNDS = 60

export function randomWorkContract(test: ContractTest, openStore: OpenStore): void {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    test(
      `random work is what the model says, seed ${seed}`,
      withStore(openStore, (subject) => work(subject, seed)),
    )
  }
}

/** A log as hex push ids, and the vault's documents, least recently changed first. */
class Model {
  readonly logs = new Map<string, string[]>()
  #changed: string[] = []

  apply(push: StorePush): number {
    const log = this.logs.get(push.documentId) ?? []
    this.logs.set(push.documentId, log)
    const id = hex(push.pushId)
    const known = log.indexOf(id)
    if (known >= 0) return known + 1
    log.push(id)
    this.#changed = [...this.#changed.filter((documentId) => documentId !== push.documentId), push.documentId]
    return log.length
  }

  changed(vault: string): readonly string[] {
    return this.#changed.filter((documentId) => documentId.startsWith(`${vault}/`))
  }
}

async function work(subject: StoreUnderTest, seed: number): Promise<void> {
  const random = generator(seed)
  const pick = (below: number): number => Math.floor(random() * below)
  const model = new Model()
  const calls: Promise<void>[] = []
  const marks = new Map<string, Stored[]>()
  for (let round = 0; round < ROUNDS; round += 1) {
    // Few payloads on purpose: many of these pushes come again.
    const pushes = Array.from({ length: pick(12) }, () =>
      bytesPush(`v${pick(3)}/d${pick(14)}`, new Uint8Array(pick(50) === 0 ? 70_000 : pick(60)).fill(pick(4))),
    )
    const indexes = pushes.map((push) => model.apply(push))
    calls.push(check(append(subject.store, pushes), pushes, indexes, marks))
    if (pick(3) === 0) await new Promise((resolve) => setImmediate(resolve))
    if (pick(8) === 0) await Promise.all(calls.splice(0))
    if (pick(20) === 0) await subject.reopen()
  }
  await Promise.all(calls)
  await compare(subject.store, model, marks)
  await subject.reopen()
  await compare(subject.store, model, marks)
}

async function check(
  call: Promise<readonly Stored[]>,
  pushes: readonly StorePush[],
  indexes: readonly number[],
  marks: Map<string, Stored[]>,
): Promise<void> {
  const results = await call
  assert.deepEqual(
    results.map(({ index }) => index),
    indexes,
  )
  for (const [position, result] of results.entries()) {
    const { documentId } = at(pushes, position)
    marks.set(documentId, [...(marks.get(documentId) ?? []), result])
  }
}

async function compare(store: RelayStore, model: Model, marks: ReadonlyMap<string, Stored[]>): Promise<void> {
  for (const [documentId, log] of model.logs) {
    const { entries } = await readPage(store, documentId)
    assert.deepEqual(
      entries.map(({ pushId }) => hex(pushId)),
      log,
      documentId,
    )
    for (const { index, receipt } of marks.get(documentId) ?? []) {
      const { status, after, bytesToCome } = await judge(store, documentId, { mark: receipt })
      const bytes = entries.slice(index).reduce((sum, { totalBytes }) => sum + totalBytes, 0)
      assert.deepEqual([status, after, bytesToCome], ['OK', index, bytes])
    }
  }
  for (const vault of ['v0', 'v1', 'v2', 'v3']) {
    const page = await store.feed({ vault, mark: EMPTY, documentsMax: 1_000 })
    // Documents of one commit may stand in any order among themselves: the model only knows calls.
    assert.deepEqual(page.documents.map(({ documentId }) => documentId).sort(), [...model.changed(vault)].sort())
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c: numbers from 0 to below 1. */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

// Random compactions, agreements, repairs, deletions and sweeps beside a plain model of one vault: what is judged, read
// and counted afterwards is what the model says, for every bookmark that was ever given.
import assert from 'node:assert/strict'
import type { Bytes, RelayStore } from '../contract.ts'
import { changedAfter, claim, id, patterned, SHORT_LIMITS, stageWhole, sweepAll, withClock } from './acts.ts'
import { ModelVault } from './model-vault.ts'
import { generator } from './random-work.ts'
import { at, bytesPush, type ContractTest, EMPTY, judge, type OpenStore, type StoreUnderTest } from './subject.ts'

const SEEDS = 6
const ROUNDS = 200

export function randomCompactionContract(test: ContractTest, openStore: OpenStore): void {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    test(
      `random compactions and sweeps are what the model says, seed ${seed}`,
      withClock(openStore, (subject, clock) => new Work(subject, clock, seed).run()),
    )
  }
}

class Work {
  readonly #subject: StoreUnderTest
  readonly #clock: { nowMs: number }
  readonly #random: () => number
  readonly #model = new ModelVault()
  #done = 0

  constructor(subject: StoreUnderTest, clock: { nowMs: number }, seed: number) {
    this.#subject = subject
    this.#clock = clock
    this.#random = generator(seed)
  }

  async run(): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      this.#done = round
      await this.#act()
      if (round % 20 === 19) await this.#compare()
      if (this.#pick(25) === 0) await this.#subject.reopen()
    }
    await sweepAll(this.#subject.store)
    this.#model.sweep(this.#clock.nowMs)
    await this.#compare()
    await this.#subject.reopen()
    await this.#compare()
  }

  #act(): Promise<void> {
    const name = `v/${this.#pick(3)}`
    const kind = this.#pick(20)
    if (kind < 9) return this.#append(name)
    if (kind < 13) return this.#install(name)
    if (kind < 15) return this.#agree(name)
    if (kind < 16) return this.#repair(name)
    if (kind < 17 && this.#pick(3) === 0) return this.#delete(name)
    return this.#sweep()
  }

  async #append(name: string): Promise<void> {
    const create = this.#pick(4) === 0
    // Few payloads: many of these pushes come again, above the base and below it.
    const pushes = Array.from({ length: 1 + this.#pick(4) }, () => ({
      ...bytesPush(name, patterned(20 + this.#pick(3), this.#pick(6))),
      create,
    }))
    const results = await this.#subject.store.append(pushes)
    for (const [position, push] of pushes.entries()) {
      const expected = this.#model.append(name, push.pushId, push.payload.length, create)
      const result = at(results, position)
      if (expected === 'DELETED') assert.deepEqual(result, { refused: 'DELETED' })
      else this.#model.confirm(name, expected, result)
    }
  }

  async #install(name: string): Promise<void> {
    const place = this.#model.anyPlace(name, this.#pick)
    if (place === undefined) return
    const { log, index } = place
    const baseExpected = this.#pick(4) === 0 ? this.#pick(10) : log.base
    const bytes = patterned(5 + this.#pick(120), this.#done)
    await stageWhole(this.#subject.store, 'u', bytes)
    const snapshotId = new Uint8Array(16).fill(this.#done)
    const mark = log.receiptAt(index)
    const request = { documentId: name, mark, baseExpected, snapshotId, upload: 'u' }
    const outcome = log.install(index, baseExpected, { id: snapshotId, bytes: bytes.length }, this.#clock.nowMs)
    assert.equal(await this.#subject.store.install(request), outcome)
  }

  async #agree(name: string): Promise<void> {
    const place = this.#model.anyPlace(name, this.#pick)
    if (place === undefined) return
    const { log, index } = place
    const claimed = { mark: log.receiptAt(index), profile: `${this.#done}` }
    const isValid = log.isCheckable(index)
    const { store } = this.#subject
    assert.equal(await claim(store, name, { ...claimed, device: 1 }), isValid ? 'kept' : 'stale')
    assert.equal(await claim(store, name, { ...claimed, device: 2 }), isValid ? 'agrees' : 'stale')
    if (isValid) log.agree(index)
  }

  async #repair(name: string): Promise<void> {
    const log = this.#model.logs.get(name)
    if (log === undefined) return
    this.#clock.nowMs += 8 * 24 * 60 * 60 * 1000
    const fingerprint = id(this.#done)
    const { incarnation } = log
    assert.equal(await this.#subject.store.repair({ documentId: name, incarnation, fingerprint }), 'drawn')
  }

  async #delete(name: string): Promise<void> {
    const place = this.#model.anyPlace(name, this.#pick)
    if (place === undefined) return
    const { log } = place
    const index = this.#pick(2) === 0 ? place.index : log.head
    const mark = log.receiptAt(index)
    const isHead = index === log.head
    assert.equal(await this.#subject.store.delete({ documentId: name, mark }), isHead ? 'OK' : 'CHANGED')
    if (isHead) this.#model.delete(name, this.#clock.nowMs)
  }

  async #sweep(): Promise<void> {
    this.#clock.nowMs += this.#pick(SHORT_LIMITS.retentionMaxMs)
    if (this.#pick(3) === 0) return
    await sweepAll(this.#subject.store)
    this.#model.sweep(this.#clock.nowMs)
  }

  async #compare(): Promise<void> {
    const { store } = this.#subject
    assert.deepEqual(await store.usage('v'), this.#model.usage())
    assert.deepEqual([...(await changedAfter(store, 'v', EMPTY))].sort(), [...this.#model.feed()].sort())
    for (const { name, log, isTombstone } of this.#model.ended()) {
      for (let index = 1; index <= log.head; index += 1) {
        const { status, markIndex } = await judge(store, name, { mark: log.receiptAt(index) })
        assert.deepEqual([status, markIndex], [isTombstone ? 'DELETED' : 'RESET', null])
      }
    }
    for (const name of this.#model.logs.keys()) await this.#compareLog(store, name)
  }

  async #compareLog(store: RelayStore, name: string): Promise<void> {
    const log = this.#model.logs.get(name)
    assert.ok(log !== undefined)
    const partials: readonly Bytes[] = [EMPTY, ...log.everInstalled]
    for (let index = 0; index <= log.head; index += 1) {
      const mark = index === 0 ? EMPTY : log.receiptAt(index)
      for (const partial of partials) {
        const { status, markIndex, snapshot, after, head, entriesToCome, bytesToCome, tail, agreedIndex } = await judge(
          store,
          name,
          { mark, partial },
        )
        assert.deepEqual(
          { status, markIndex, base: snapshot?.base ?? null, after, head, entriesToCome, bytesToCome, agreedIndex },
          log.judged(index, partial),
        )
        assert.deepEqual(tail, log.tail())
      }
    }
    for (let after = 0; after <= log.head; after += 1) {
      const { incarnation } = log
      const page = await store.read({ documentId: name, incarnation, after, entriesMax: 3, bytesMax: 1e6 })
      if (after + 1 < log.oldest) assert.equal(page, 'moved')
      else {
        assert.ok(page !== 'moved')
        const read = page.entries.map(({ pushId, totalBytes }) => [Buffer.from(pushId).toString('hex'), totalBytes])
        assert.deepEqual(read, log.entriesAfter(after, 3))
        assert.deepEqual([page.through, page.atHead], [Math.min(after + 3, log.head), after + 3 >= log.head])
      }
    }
  }

  readonly #pick = (below: number): number => Math.floor(this.#random() * below)
}

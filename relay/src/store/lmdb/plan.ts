// One commit in the making: calls are worked out against what is durable and what is in flight before it, in memory, so
// that a throw leaves nothing behind and the writes go out all together or not at all. Writes nothing itself; what each
// kind of call does is in files of their own (append.ts, uploads.ts, installation.ts and so on).
import { vaultOf } from '../contract-checks.ts'
import { DocumentRow } from './document-row.ts'
import { getRow, getRowStart, HEAD_KEY, numbersKey, pushKey, type Tables, type Write } from './environment.ts'
import { PlannedDocument } from './planned-document.ts'
import { PlannedRows } from './planned-rows.ts'
import { PlannedVault } from './planned-vault.ts'
import { decodeVault, ENTRY_START_BYTES, encodeHead, type HeadRow } from './records.ts'

/** Works out one call: plans what it writes, and returns its answer. It may be asked again, of another plan. */
export type Operation<Result> = (plan: CommitPlan) => Result

/** One call, from its arrival to its answer. */
export interface PlannedCall {
  /** Answers the call with what it returns, once that is durable. */
  readonly plan: (plan: CommitPlan) => () => void
  readonly reject: (error: Error) => void
}

export interface PlanSources {
  readonly tables: Tables
  readonly random: (bytes: number) => Uint8Array
  readonly now: () => number
}

/** What a plan begins from. */
export interface PlanHead extends HeadRow {
  /** Taken up by uploads, as their bound counts it; kept in memory only. */
  readonly uploadBytes: number
}

export class CommitPlan {
  readonly tables: Tables
  readonly rows: PlannedRows
  uploadBytes: number
  readonly #sources: PlanSources
  /** Those that change. */
  readonly #documents = new Map<string, PlannedDocument>()
  readonly #vaults = new Map<string, PlannedVault>()
  readonly #writes: Write[] = []
  readonly #calls: PlannedCall[] = []
  readonly #answers: (() => void)[] = []
  readonly #owner: Uint8Array
  #before: CommitPlan | undefined
  #feedHead: number
  #nextSerial: number
  #bytes = 0
  #pushWrites: ReadonlyMap<string, Write> | undefined

  /** @param before the commit in flight: what it writes is taken as written. */
  constructor(sources: PlanSources, head: PlanHead, before: CommitPlan | undefined) {
    this.tables = sources.tables
    this.#sources = sources
    this.#owner = head.owner
    this.#before = before
    this.#feedHead = head.feedHead
    this.#nextSerial = head.nextSerial
    this.uploadBytes = head.uploadBytes
    this.rows = new PlannedRows(sources.tables, before?.rows)
  }

  get calls(): readonly PlannedCall[] {
    return this.#calls
  }

  /** Entries and chunks that it adds. */
  get entries(): number {
    return this.#writes.length
  }

  /** Of these. */
  get bytes(): number {
    return this.#bytes
  }

  get head(): PlanHead {
    return {
      feedHead: this.#feedHead,
      nextSerial: this.#nextSerial,
      owner: this.#owner,
      uploadBytes: this.uploadBytes,
    }
  }

  /** After a throw the plan is spoilt: make it anew from the calls that it held before. */
  add(call: PlannedCall): void {
    this.#answers.push(call.plan(this))
    this.#calls.push(call)
  }

  /** Nothing may be added after. */
  finish(): readonly Write[] {
    const writes = this.#writes
    this.rows.finish(writes)
    for (const document of this.#documents.values()) document.finish(writes)
    for (const vault of this.#vaults.values()) vault.finish(writes)
    if (writes.length > 0) writes.push({ table: 'meta', key: HEAD_KEY, value: encodeHead(this.head) })
    return writes
  }

  /** What it followed is durable: LMDB now says what that held. */
  settled(): void {
    this.#before = undefined
    this.rows.settled()
  }

  resolve(): void {
    for (const answer of this.#answers) answer()
  }

  reject(error: Error): void {
    for (const call of this.#calls) call.reject(error)
  }

  nowMs(): number {
    return this.#sources.now()
  }

  random(bytes: number): Uint8Array {
    return this.#sources.random(bytes)
  }

  takeSerial(): number {
    const serial = this.#nextSerial
    this.#nextSerial += 1
    return serial
  }

  /** A log, or a tombstone in its place. It is written only if it is given to `change`. */
  document(documentId: string): PlannedDocument | undefined {
    const planned = this.#documents.get(documentId)
    if (planned !== undefined) return planned.isRemoved ? undefined : planned
    const inFlight = this.#before === undefined ? undefined : this.#before.#documents.get(documentId)
    if (inFlight !== undefined) return inFlight.next()
    const id = Buffer.from(documentId)
    const row = getRow(this.tables.document, id)
    return row === undefined ? undefined : PlannedDocument.stored(documentId, id, new DocumentRow(row))
  }

  /** Takes the place of what was planned for its id, if it is another. */
  change(document: PlannedDocument): void {
    this.#documents.set(document.documentId, document)
  }

  /** Makes it the last changed one of its vault; once in a commit, however often that is asked. */
  moveInFeed(document: PlannedDocument): void {
    if (document.isMoved) return
    this.#feedHead += 1
    this.vault(document.documentId).move(document, this.#feedHead, this.#writes)
    document.moveTo(this.#feedHead)
  }

  removeFromFeed(document: PlannedDocument): void {
    this.vault(document.documentId).remove(document, this.#writes)
  }

  /** The vault of a document, to be changed; begun where there is none. */
  vault(documentId: string): PlannedVault {
    const name = vaultOf(documentId)
    const known = this.#knownVault(name)
    if (known !== undefined) return known
    const vault = PlannedVault.fresh(Buffer.from(name), this.takeSerial())
    this.#vaults.set(name, vault)
    return vault
  }

  /** What the vault of a document takes up. */
  vaultBytes(documentId: string): number {
    return this.#knownVault(vaultOf(documentId))?.bytes ?? 0
  }

  /** Index of a push above the base. */
  indexOf(document: PlannedDocument, pushId: Buffer): number | undefined {
    const near = document.indexOf(pushId) ?? this.#documentBefore(document)?.indexOf(pushId)
    const index = near ?? document.storedIndexOf(pushId, this.tables.push)
    return index !== undefined && index > document.base ? index : undefined
  }

  /** The row of an entry that is not dropped, or at least all of it but the payload. */
  entryAt(document: PlannedDocument, index: number): Buffer {
    const planned = document.addedEntry(index) ?? this.#documentBefore(document)?.addedEntry(index)
    if (planned !== undefined) return planned
    const row = getRowStart(this.tables.entry, numbersKey(document.serial, index), ENTRY_START_BYTES)
    if (row === undefined) throw new Error(`Entry ${index} of ${document.documentId} is missing`)
    return row
  }

  /** What the row of a push id is to be, if the commit in flight writes it. */
  pushInFlight(serial: number, pushId: Uint8Array): Buffer | undefined {
    const before = this.#before
    return before === undefined
      ? undefined
      : before.#writtenPushes().get(pushKey(serial, pushId).toString('latin1'))?.value
  }

  addEntry(document: PlannedDocument, index: number, row: Buffer): void {
    this.#writes.push({ table: 'entry', key: numbersKey(document.serial, index), value: row })
    this.#bytes += row.length
  }

  addChunks(chunks: readonly Write[]): void {
    for (const chunk of chunks) {
      this.#writes.push(chunk)
      this.#bytes += chunk.value?.length ?? 0
    }
  }

  /** Of rows that no plan looks up. */
  removeRow(table: Write['table'], key: Buffer): void {
    this.#writes.push({ table, key, value: undefined })
  }

  /** The same log in the commit in flight. */
  #documentBefore(document: PlannedDocument): PlannedDocument | undefined {
    const before = this.#before === undefined ? undefined : this.#before.#documents.get(document.documentId)
    return before?.serial === document.serial ? before : undefined
  }

  #knownVault(name: string): PlannedVault | undefined {
    const here = this.#vaults.get(name)
    if (here !== undefined) return here
    const inFlight = this.#before === undefined ? undefined : this.#before.#vaults.get(name)
    const vault = inFlight?.next() ?? this.#storedVault(name)
    if (vault !== undefined) this.#vaults.set(name, vault)
    return vault
  }

  #storedVault(name: string): PlannedVault | undefined {
    const key = Buffer.from(name)
    const row = getRow(this.tables.vault, key)
    return row === undefined ? undefined : PlannedVault.stored(key, decodeVault(row))
  }

  #writtenPushes(): ReadonlyMap<string, Write> {
    this.#pushWrites ??= new Map(
      this.#writes.filter(({ table }) => table === 'push').map((write) => [write.key.toString('latin1'), write]),
    )
    return this.#pushWrites
  }
}

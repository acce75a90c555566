// One commit in the making: appends are worked out against what is durable and what is in flight before it, in memory,
// so that a throw leaves nothing behind and the writes go out all together or not at all. Writes nothing itself.
import { encodeBookmark, INCARNATION_BYTES } from '../bookmark.ts'
import type { Appended, StorePush } from '../contract.ts'
import { checkPushes, vaultOf } from '../contract-checks.ts'
import { DocumentRow } from './document-row.ts'
import { getRow, HEAD_KEY, numbersKey, type Tables, type Write } from './environment.ts'
import { PlannedDocument } from './planned-document.ts'
import { PlannedVault } from './planned-vault.ts'
import { type CopiedPush, chunksOf, copyPush } from './pushes.ts'
import { chainOfEntry, decodeEntry, decodeVault, encodeHead, type HeadRow, placeBlob } from './records.ts'

/** One call of `append`, from its arrival to its answer. */
export interface AppendCall {
  readonly pushes: readonly CopiedPush[]
  readonly resolve: (results: readonly Appended[]) => void
  readonly reject: (error: Error) => void
}

export interface PlanSources {
  readonly tables: Tables
  readonly random: (bytes: number) => Uint8Array
  readonly now: () => number
}

/** Copies what the caller may change. @throws RangeError for what no store takes. */
export function copyPushes(pushes: readonly StorePush[]): readonly CopiedPush[] {
  checkPushes(pushes)
  return pushes.map(copyPush)
}

export class CommitPlan {
  readonly #sources: PlanSources
  readonly #documents = new Map<string, PlannedDocument>()
  readonly #vaults = new Map<string, PlannedVault>()
  readonly #entryWrites: Write[] = []
  readonly #calls: AppendCall[] = []
  readonly #results: (readonly Appended[])[] = []
  readonly #owner: Uint8Array
  #before: CommitPlan | undefined
  #feedHead: number
  #nextSerial: number
  #bytes = 0

  /** @param before the commit in flight: what it writes is taken as written. */
  constructor(sources: PlanSources, head: HeadRow, before: CommitPlan | undefined) {
    this.#sources = sources
    this.#owner = head.owner
    this.#before = before
    this.#feedHead = head.feedHead
    this.#nextSerial = head.nextSerial
  }

  get calls(): readonly AppendCall[] {
    return this.#calls
  }

  /** Entries that it adds. */
  get entries(): number {
    return this.#entryWrites.length
  }

  /** Payload bytes that it adds. */
  get bytes(): number {
    return this.#bytes
  }

  get head(): HeadRow {
    return { feedHead: this.#feedHead, nextSerial: this.#nextSerial, owner: this.#owner }
  }

  /** After a throw the plan is spoilt: make it anew from the calls that it held before. */
  add(call: AppendCall): void {
    this.#results.push(call.pushes.map((push) => this.#addPush(push)))
    this.#calls.push(call)
  }

  /** Nothing may be added after. */
  finish(): readonly Write[] {
    if (this.#entryWrites.length === 0) return []
    const writes = this.#entryWrites
    for (const document of this.#documents.values()) document.finish(writes)
    for (const vault of this.#vaults.values()) vault.finish(writes)
    writes.push({ table: 'meta', key: HEAD_KEY, value: encodeHead(this.head) })
    return writes
  }

  /** What it followed is durable: LMDB now says what that held. */
  settled(): void {
    this.#before = undefined
  }

  resolve(): void {
    this.#calls.forEach((call, position) => {
      call.resolve(this.#results[position] ?? [])
    })
  }

  reject(error: Error): void {
    for (const call of this.#calls) call.reject(error)
  }

  #addPush(push: CopiedPush): Appended {
    const document = this.#document(push.documentId)
    if (document?.deleted) return { refused: 'DELETED' }
    if (document !== undefined) {
      const known = this.#indexOf(document, push.pushId)
      if (known !== undefined) return this.#appendedAt(document, known)
    }
    return this.#append(document ?? this.#begin(push.documentId), push)
  }

  #append(document: PlannedDocument, push: CopiedPush): Appended {
    const nowMs = this.#sources.now()
    const vault = this.#vault(vaultOf(document.documentId))
    if (!document.moved) this.#moveInFeed(document, vault)
    const index = document.append(push, nowMs)
    vault.addBytes(push.payloadLength)
    if (push.large !== undefined) {
      const blobId = this.#takeSerial()
      placeBlob(push.entry, blobId, push.payloadLength)
      this.#entryWrites.push(...chunksOf(blobId, push.large))
    }
    this.#entryWrites.push({ table: 'entry', key: numbersKey(document.serial, index), value: push.entry })
    this.#bytes += push.payloadLength
    this.#documents.set(document.documentId, document)
    return appended(document, index, chainOfEntry(push.entry))
  }

  /** Once for each document in a commit, however many its pushes. */
  #moveInFeed(document: PlannedDocument, vault: PlannedVault): void {
    this.#feedHead += 1
    vault.move(document, this.#feedHead, this.#entryWrites)
    document.moveTo(this.#feedHead)
  }

  #document(documentId: string): PlannedDocument | undefined {
    const here = this.#documents.get(documentId)
    if (here !== undefined) return here
    const inFlight = this.#documentBefore(documentId)
    if (inFlight !== undefined) return inFlight.next()
    const id = Buffer.from(documentId)
    const row = getRow(this.#sources.tables.document, id)
    return row === undefined ? undefined : PlannedDocument.stored(documentId, id, new DocumentRow(row))
  }

  #documentBefore(documentId: string): PlannedDocument | undefined {
    return this.#before === undefined ? undefined : this.#before.#documents.get(documentId)
  }

  #begin(documentId: string): PlannedDocument {
    const { random, now } = this.#sources
    const document = PlannedDocument.fresh(documentId, this.#takeSerial(), random, now())
    this.#vault(vaultOf(documentId)).addDocument()
    return document
  }

  #vault(name: string): PlannedVault {
    const here = this.#vaults.get(name)
    if (here !== undefined) return here
    const inFlight = this.#before === undefined ? undefined : this.#before.#vaults.get(name)
    const vault = inFlight?.next() ?? this.#storedVault(name)
    this.#vaults.set(name, vault)
    return vault
  }

  #storedVault(name: string): PlannedVault {
    const key = Buffer.from(name)
    const row = getRow(this.#sources.tables.vault, key)
    return row === undefined ? PlannedVault.fresh(key, this.#takeSerial()) : PlannedVault.stored(key, decodeVault(row))
  }

  #indexOf(document: PlannedDocument, pushId: Buffer): number | undefined {
    const near = document.indexOf(pushId) ?? this.#documentBefore(document.documentId)?.indexOf(pushId)
    return near ?? document.storedIndexOf(pushId, this.#sources.tables.push)
  }

  #appendedAt(document: PlannedDocument, index: number): Appended {
    return appended(document, index, this.#chainAt(document, index))
  }

  #chainAt(document: PlannedDocument, index: number): Uint8Array {
    const planned = document.chainAt(index) ?? this.#documentBefore(document.documentId)?.chainAt(index)
    if (planned !== undefined) return planned
    const row = getRow(this.#sources.tables.entry, numbersKey(document.serial, index))
    if (row === undefined) throw new Error(`Entry ${index} of ${document.documentId} is missing`)
    return decodeEntry(row).chain
  }

  #takeSerial(): number {
    const serial = this.#nextSerial
    this.#nextSerial += 1
    return serial
  }
}

function appended(document: PlannedDocument, index: number, chain: Uint8Array): Appended {
  const receipt = encodeBookmark(document.incarnation, index, chain)
  return { index, receipt, incarnation: receipt.subarray(0, INCARNATION_BYTES) }
}

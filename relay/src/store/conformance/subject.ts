// What the contract's tests stand on: a store that can be closed, opened again and copied, and pushes to put into it.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type {
  Appended,
  Bytes,
  Judgement,
  ReadPage,
  RelayStore,
  StoredEntry,
  StoreLimits,
  StorePush,
} from '../contract.ts'

/** Declares one test; the runner's own `test` or `it` will do. */
export type ContractTest = (name: string, run: () => Promise<void>) => void

/** What a store is opened with; again after `reopen`, and for a copy. */
interface StoreSettings {
  /** In place of the platform's; may throw. */
  readonly random?: (bytes: number) => Uint8Array
  /** Milliseconds since 1970, in place of the platform's clock; may throw. */
  readonly now?: () => number
  readonly limits?: Partial<StoreLimits>
}

export interface StoreUnderTest {
  /** The store as it is open now: another one after `reopen`. */
  readonly store: RelayStore
  /** Closes the store and opens its data again. */
  reopen(): Promise<void>
  /** What is durable now, restored as a store of its own; the epoch is not looked at. `store` may be reopened for it. */
  copy(): Promise<StoreUnderTest>
  /** Closes the store and removes its data. */
  dispose(): Promise<void>
}

export type OpenStore = (settings?: StoreSettings) => Promise<StoreUnderTest>

export const EMPTY: Bytes = new Uint8Array()

/** A test with a store, which is disposed of whatever happens. */
export function withStore(openStore: OpenStore, run: (subject: StoreUnderTest) => Promise<void>): () => Promise<void> {
  return async () => {
    const subject = await openStore()
    try {
      await run(subject)
    } finally {
      await subject.dispose()
    }
  }
}

interface BytesPush extends StorePush {
  readonly payload: Bytes
}

/** A push whose payload is the text. */
export function textPush(documentId: string, text: string, format = 1): BytesPush {
  return bytesPush(documentId, new TextEncoder().encode(text), format)
}

export function bytesPush(documentId: string, payload: Uint8Array, format = 1): BytesPush {
  const hash = createHash('sha256').update(Uint8Array.of(format)).update(payload).digest()
  return { documentId, pushId: new Uint8Array(hash.subarray(0, 16)), format, payload }
}

export interface Stored {
  readonly index: number
  readonly receipt: Bytes
  readonly incarnation: Bytes
}

/** Appends pushes that nothing refuses. */
export async function append(store: RelayStore, pushes: readonly StorePush[]): Promise<readonly Stored[]> {
  return (await store.append(pushes)).map(stored)
}

/** Appends one text to one document. */
export async function appendText(store: RelayStore, documentId: string, text: string): Promise<Stored> {
  return single(await append(store, [textPush(documentId, text)]))
}

export function stored(appended: Appended): Stored {
  if ('refused' in appended) assert.fail(`refused: ${appended.refused}`)
  return appended
}

function single<Item>(items: readonly Item[]): Item {
  assert.equal(items.length, 1)
  return at(items, 0)
}

export function at<Item>(items: readonly Item[], position: number): Item {
  const item = items.at(position)
  if (item === undefined) assert.fail(`nothing at ${position} of ${items.length}`)
  return item
}

export interface Presented {
  readonly incarnation?: Bytes
  readonly mark?: Bytes
  readonly receipt?: Bytes
  readonly create?: boolean
  readonly partial?: Bytes
}

export function judge(store: RelayStore, documentId: string, presented: Presented = {}): Promise<Judgement> {
  const nothing = { incarnation: EMPTY, mark: EMPTY, receipt: EMPTY, create: false, partial: EMPTY }
  return store.judge({ documentId, ...nothing, ...presented })
}

/** A page of a log that has not moved. */
export async function readPage(
  store: RelayStore,
  documentId: string,
  after = 0,
  limits: { readonly entriesMax?: number; readonly bytesMax?: number } = {},
): Promise<ReadPage> {
  const { incarnation } = await judge(store, documentId)
  const page = await store.read({ documentId, incarnation, after, entriesMax: 1e6, bytesMax: 1e9, ...limits })
  if (page === 'moved') assert.fail('moved')
  return page
}

/** The texts of a whole log. */
export async function readTexts(store: RelayStore, documentId: string): Promise<readonly string[]> {
  const page = await readPage(store, documentId)
  assert.equal(page.atHead, true)
  return page.entries.map((entry) => new TextDecoder().decode(payloadOf(entry)))
}

/** The payload of an entry that is short enough to stand on its page. */
export function payloadOf({ index, payload }: StoredEntry): Bytes {
  if (payload === null) assert.fail(`the payload at ${index} is not on the page`)
  return payload
}

export function assertBytes(actual: Uint8Array, expected: Uint8Array, message?: string): void {
  assert.equal(Buffer.from(actual).toString('hex'), Buffer.from(expected).toString('hex'), message)
}

/** A copy with one bit of one byte turned. */
export function withBitFlipped(bytes: Uint8Array, position: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[position] = (flipped[position] ?? 0) ^ 1
  return flipped
}

// What the tests of the contract are written with: names, rows of text, and comparisons that need no test runner.
import {
  type DeviceStore,
  DeviceStoreError,
  type DeviceStoreErrorCode,
  type OpenDeviceStore,
  type StoredRow,
} from '../contract.ts'

/** Registers one test: `test` or `it` of most runners. */
export type ContractTest = (name: string, run: () => Promise<void>) => void

/** A device that has stored nothing yet. */
export interface DeviceUnderTest {
  readonly store: DeviceStore
  /** The store of another Tidemark, tab or process over the same data; for a store in memory the same object. */
  another(): DeviceStore
  /** Several may have it open at once; false: the second gets IN_USE. */
  readonly isShared: boolean
  dispose(): Promise<void>
}

/** Registers a test that is given a device of its own, open. */
export type RegisterTest = (
  name: string,
  run: (store: OpenDeviceStore, device: DeviceUnderTest) => Promise<void>,
) => void

export const DOCUMENT: string = 'alice/moby-dick'

/** Alike for a careless driver: prefixes of each other, path and key separators, case, normal forms, odd code units. */
export const TRICKY_NAMES: readonly string[] = [
  'a',
  'a/',
  'a/b',
  'a/b/',
  'A/b',
  '../a',
  'a\\b',
  'con',
  'a%2Fb',
  'a,1',
  'é',
  'e\u0301',
  '鯨',
  '🐋',
]
export const TRICKY_UNITS: readonly string[] = ['\ud83d', '\ufffd', '\uffff', '\uffff\uffff', 'a\uffff', 'a\u0000', '']

/** Runs the checks on the open store, then on the same data after a restart. The store is closed at the end. */
export async function bothNowAndReopened(
  store: OpenDeviceStore,
  device: DeviceUnderTest,
  check: (store: OpenDeviceStore) => Promise<void>,
): Promise<void> {
  await check(store)
  await store.close()
  const reopened = await device.another().open()
  await check(reopened)
  await reopened.close()
}

export function rowsOf(documentId: string, ...rowTexts: string[]): { documentId: string; bytes: Uint8Array }[] {
  return rowTexts.map((text) => ({ documentId, bytes: bytesOf(text) }))
}

export function appending(
  documentId: string,
  ...rowTexts: string[]
): { append: { documentId: string; bytes: Uint8Array }[] } {
  return { append: rowsOf(documentId, ...rowTexts) }
}

export function record(key: string, text: string): { key: string; bytes: Uint8Array } {
  return { key, bytes: bytesOf(text) }
}

export async function recordTexts(store: OpenDeviceStore, prefix: string): Promise<[string, string][]> {
  return (await store.records(prefix)).map(({ key, bytes }) => [key, textOf(bytes)])
}

export function texts(rows: readonly StoredRow[]): string[] {
  return rows.map(({ bytes }) => textOf(bytes))
}

export function counted(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`)
}

/** One byte per code unit: TextEncoder is no part of the language, and the suite runs anywhere. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

function textOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

export function patternOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8)) & 0xff)
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i])
}

export function byNumber(a: number, b: number): number {
  return a - b
}

export async function rejects(code: DeviceStoreErrorCode, act: () => Promise<unknown>): Promise<void> {
  let outcome: unknown = 'no rejection'
  try {
    await act()
  } catch (error) {
    outcome = error instanceof DeviceStoreError ? error.code : error
  }
  isTrue(outcome === code, `expected ${code}, got ${String(outcome)}`)
}

/** Compares numbers, strings, and arrays and rows of them. */
export function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a === b) return
  const at = [...a].findIndex((character, i) => character !== b[i])
  const excerpt = (text: string): string => text.slice(Math.max(0, at - 60), at + 60)
  throw new Error(`expected …${excerpt(b)}…, got …${excerpt(a)}… (at ${at})`)
}

export function isTrue(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not so: ${what}`)
}

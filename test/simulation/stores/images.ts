// What a store holds, as an image: read through the store itself, and compared with what it should hold.
import type { OpenDeviceStore, StoreWrite } from '../../../client/src/store/contract.ts'
import { applyWrite, copyOf, type DiskContent, type DiskImage } from '../../../client/src/store/memory-disk.ts'

/** Bytes that `like` has as well are the same objects: what has not changed is not decoded again. */
export async function imageOf(
  store: OpenDeviceStore,
  documentIds: Iterable<string>,
  like: DiskImage,
): Promise<DiskContent> {
  const records = await store.records('')
  const image: DiskContent = {
    records: new Map(records.map(({ key, bytes }) => [key, sameBytes(bytes, like.records.get(key))])),
    documents: new Map(),
  }
  for (const id of documentIds) {
    const rows = await store.rows(id)
    const known = like.documents.get(id)
    if (known === undefined && rows.length === 0) continue
    image.documents.set(id, {
      lastId: Math.max(known?.lastId ?? 0, rows.at(-1)?.id ?? 0),
      rows: new Map(rows.map((row) => [row.id, sameBytes(row.bytes, known?.rows.get(row.id))])),
    })
  }
  return image
}

/** That of `image` with the first of `writes`, as many as make it equal to `actual`; null: there is no such number. */
export function explained(actual: DiskImage, image: DiskImage, writes: readonly StoreWrite[]): DiskContent | null {
  const expected = copyOf(image)
  for (const write of [null, ...writes]) {
    if (write !== null) applyWrite(write, expected)
    if (isSame(actual, expected)) return expected
  }
  return null
}

/** In what two images differ, in words. */
export function differenceOf(actual: DiskImage, expected: DiskImage): string {
  const keys = new Set([...actual.records.keys(), ...expected.records.keys()])
  const records = [...keys].filter((key) => !equal(actual.records.get(key), expected.records.get(key)))
  const ids = new Set([...actual.documents.keys(), ...expected.documents.keys()])
  const rows = [...ids].filter((id) => !isSameRows(rowsOf(actual, id), rowsOf(expected, id)))
  const shown = rows.map((id) => `${id} [${[...rowsOf(actual, id).keys()]}] not [${[...rowsOf(expected, id).keys()]}]`)
  return [...records.map((key) => `record ${key}`), ...shown].join(', ')
}

function isSame(one: DiskImage, other: DiskImage): boolean {
  const { records, documents } = other
  const ids = new Set([...one.documents.keys(), ...documents.keys()])
  return (
    one.records.size === records.size &&
    [...records].every(([key, bytes]) => equal(one.records.get(key), bytes)) &&
    [...ids].every((id) => isSameRows(rowsOf(one, id), rowsOf(other, id)))
  )
}

function isSameRows(one: ReadonlyMap<number, Uint8Array>, other: ReadonlyMap<number, Uint8Array>): boolean {
  return one.size === other.size && [...one].every(([id, bytes]) => equal(bytes, other.get(id)))
}

const NO_ROWS: ReadonlyMap<number, Uint8Array> = new Map()

function rowsOf({ documents }: DiskImage, id: string): ReadonlyMap<number, Uint8Array> {
  return documents.get(id)?.rows ?? NO_ROWS
}

function sameBytes(bytes: Uint8Array, known: Uint8Array | undefined): Uint8Array {
  return known !== undefined && equal(bytes, known) ? known : bytes
}

function equal(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === other) return true
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0
}

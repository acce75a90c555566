// Rows of text, for the tests of device stores.
import type { NewRow, StoredRow } from '../../../client/src/store/contract.ts'

export function appending(documentId: string, ...rows: string[]): { append: NewRow[] } {
  return { append: rows.map((text) => ({ documentId, bytes: new TextEncoder().encode(text) })) }
}

export function texts(rows: readonly StoredRow[]): string[] {
  return rows.map(({ bytes }) => new TextDecoder().decode(bytes))
}

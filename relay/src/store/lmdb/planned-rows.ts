// The rows that are seldom changed (uploads, compactions, claims, tombstones, trash), as they will be once a commit and
// the one in flight before it are durable. Rows that no plan looks up again, such as chunks, do not go through here.
import { getRow, type TableName, type Tables, type Write } from './environment.ts'

/** A row as it is, or as it will be. */
export type RowSource = (table: TableName, key: Buffer) => Buffer | undefined

export class PlannedRows {
  readonly #tables: Tables
  readonly #planned = new Map<string, Write>()
  #before: PlannedRows | undefined

  /** @param before those of the commit in flight. */
  constructor(tables: Tables, before: PlannedRows | undefined) {
    this.#tables = tables
    this.#before = before
  }

  readonly get: RowSource = (table, key) => {
    const name = nameOf(table, key)
    const before = this.#before
    const planned = this.#planned.get(name) ?? (before === undefined ? undefined : before.#planned.get(name))
    return planned === undefined ? getRow(this.#tables[table], key) : planned.value
  }

  /** No value: the row is removed. The value is not to be changed after. */
  put(table: TableName, key: Buffer, value: Buffer | undefined): void {
    this.#planned.set(nameOf(table, key), { table, key, value })
  }

  finish(writes: Write[]): void {
    for (const write of this.#planned.values()) writes.push(write)
  }

  /** What was in flight is durable. */
  settled(): void {
    this.#before = undefined
  }
}

function nameOf(table: TableName, key: Buffer): string {
  return `${table} ${key.toString('latin1')}`
}

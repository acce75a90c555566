// A table in SQLite as the backend of a key-value store. The database is that of expo-sqlite, or anything with these calls.
import type { BytesBackend } from './backend.ts'

/** What is used of it. Statements have one `?` for each parameter. */
export interface SqliteLike {
  runAsync(sql: string, parameters: (string | Uint8Array)[]): Promise<unknown>
  getAllAsync(sql: string, parameters: (string | Uint8Array)[]): Promise<unknown[]>
}

interface TableRow {
  readonly key: string
  readonly value: Uint8Array
}

const VALUE_BYTES_MAX = 512 * 1024

/** The table is made when it is missing. Two stores in one database need two names, also in different tables. */
export function sqliteBackend(database: SqliteLike, table = 'tidemark'): BytesBackend {
  const name = `"${table.replace(/"/g, '""')}"`
  const made = `CREATE TABLE IF NOT EXISTS ${name} (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID`
  return {
    storage: database,
    values: 'bytes',
    valueLengthMax: VALUE_BYTES_MAX,
    keys: async () => {
      await database.runAsync(made, [])
      const rows = (await database.getAllAsync(`SELECT key FROM ${name}`, [])) as Pick<TableRow, 'key'>[]
      return rows.map(({ key }) => key)
    },
    get: async (keys) => {
      const sql = `SELECT key, value FROM ${name} WHERE key IN (${places('?', keys)})`
      const rows = (await database.getAllAsync(sql, [...keys])) as TableRow[]
      const values = new Map(rows.map(({ key, value }) => [key, value]))
      return keys.map((key) => values.get(key))
    },
    // One statement is one transaction.
    set: async (entries) => {
      const sql = `INSERT OR REPLACE INTO ${name} (key, value) VALUES ${places('(?, ?)', entries)}`
      await database.runAsync(
        sql,
        entries.flatMap(([key, bytes]) => [key, bytes.slice()]),
      )
    },
    remove: async (keys) => {
      await database.runAsync(`DELETE FROM ${name} WHERE key IN (${places('?', keys)})`, [...keys])
    },
  }
}

function places(place: string, items: readonly unknown[]): string {
  return items.map(() => place).join(', ')
}

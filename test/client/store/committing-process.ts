// Run as a process of its own, to be killed: commits to the store in the directory that it is given, always several in
// flight, and prints the number of each commit when it has resolved. Commit n appends row n to two documents and notes
// n; every 50th replaces all rows by one, so that files are rewritten.
import { fileStore } from '../../../client/src/node/file-store.ts'
import { appending, texts } from './rows.ts'

const IN_FLIGHT = 8
const REPLACE_EVERY = 50
const DOCUMENTS = ['a', 'b'] as const

async function commitForEver(directory: string): Promise<never> {
  const store = await fileStore(directory).open()
  const rows = await store.rows('a')
  let [next, firstId, lastId] = [Number(texts(rows).at(-1) ?? 0) + 1, rows[0]?.id ?? 1, rows.at(-1)?.id ?? 0]
  const commitNext = async (): Promise<never> => {
    for (;;) {
      const n = next++
      const ids = Array.from({ length: lastId - firstId + 1 }, (_, i) => firstId + i)
      const isReplacing = n % REPLACE_EVERY === 0
      if (isReplacing) firstId = lastId + 1
      lastId++
      await store.commit({
        append: DOCUMENTS.flatMap((documentId) => appending(documentId, `${n}`).append),
        ...(isReplacing ? { remove: DOCUMENTS.map((documentId) => ({ documentId, ids })) } : {}),
        records: [{ key: 'last', bytes: Uint8Array.from(`${n}`, (digit) => digit.charCodeAt(0)) }],
      })
      process.stdout.write(`${n}\n`)
    }
  }
  return Promise.race(Array.from({ length: IN_FLIGHT }, commitNext))
}

await commitForEver(process.argv[2] as string)

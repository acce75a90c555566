// Run as a process of its own by lmdb-faults.test.ts, to be killed, watched, or put on a full disk.
//
//   writer <directory> acknowledge       appends without end; a line `document index push-id` for each acknowledgement
//   writer <directory> watch             appends one push and reads meanwhile: `begin`, then `visible` and `acknowledged`
//   writer <directory> fill <ballast>    appends until the disk is full, goes on without the ballast; a line of JSON
import { rmSync, writeSync } from 'node:fs'
import { appendText, bytesPush, judge, readPage, stored } from '../../../../relay/src/store/conformance/subject.ts'
import type { RelayStore } from '../../../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../../../relay/src/store/lmdb/open.ts'

const NOVEL = 'alice/novel'

/** At once, and in one piece: what is said has been said when the process dies. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

async function acknowledge(store: RelayStore): Promise<void> {
  say('open')
  const round = crypto.randomUUID()
  const device = async (number: number): Promise<void> => {
    for (let edit = 0; ; edit += 1) {
      const documentId = `v${number % 3}/d${number % 5}`
      const large = edit % 20 === 19 ? 'x'.repeat(70_000) : ''
      const push = bytesPush(documentId, Buffer.from(`${round} ${number} ${edit} ${large}`))
      const [appended] = await store.append([push])
      if (appended === undefined) throw new Error('No answer')
      say(`${documentId} ${stored(appended).index} ${Buffer.from(push.pushId).toString('hex')}`)
    }
  }
  await Promise.all(Array.from({ length: 24 }, (_, number) => device(number)))
}

async function watch(store: RelayStore): Promise<void> {
  await appendText(store, NOVEL, 'before')
  say('begin')
  let acknowledged = false
  const appended = appendText(store, NOVEL, 'watched').then(() => {
    acknowledged = true
    say('acknowledged')
  })
  for (let visible = false; !(visible && acknowledged); ) {
    if (!visible && (await judge(store, NOVEL)).head === 2) {
      visible = true
      say('visible')
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await appended
  await store.close()
}

async function fill(store: RelayStore, ballast: string): Promise<void> {
  let acknowledged = 0
  let refusals = 0
  let next = 0
  const append = async (): Promise<void> => {
    next += 1
    try {
      await store.append([bytesPush(NOVEL, new Uint8Array(30_000).fill(next % 256, 4).fill(next >> 8, 0, 4))])
      acknowledged += 1
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'STORAGE')) throw error
      refusals += 1
    }
  }
  while (refusals < 3) await Promise.all([append(), append(), append()])
  const whileFull = { acknowledged, refusals, head: (await judge(store, NOVEL)).head }
  const readWhileFull = (await readPage(store, NOVEL)).entries.length
  rmSync(ballast)
  const before = acknowledged
  await Promise.all([append(), append(), append()])
  const afterwards = { acknowledged: acknowledged - before, head: (await judge(store, NOVEL)).head }
  const failed = await Promise.race([store.failed.then(() => true), Promise.resolve(false)])
  await store.close()
  say(JSON.stringify({ whileFull, readWhileFull, afterwards, failed }))
}

const [directory, work, ballast] = process.argv.slice(2)
if (directory === undefined) throw new Error('Which directory?')
// A disk this small is nearly full from the start.
const store = await openLmdbStore({ directory, freeBytesMin: 0 })
if (work === 'acknowledge') await acknowledge(store)
else if (work === 'watch') await watch(store)
else if (work === 'fill' && ballast !== undefined) await fill(store, ballast)
else throw new Error(`What is ${work}?`)

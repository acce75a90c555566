// A relay under load whose disk begins to fail: strace answers its system calls in the disk's place. What must hold: the
// process ends with a reason, nothing is acknowledged from then on, and started again it has all that was.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbStore } from '../../relay/src/store/lmdb/open.ts'
import { type Call, checkFlushOrder, parseTrace, STRACE_OPTIONS } from './flush-order.ts'
import { type Acknowledged, GRANTS, PushingClients, VAULTS } from './pushing-clients.ts'
import { type Ending, type LogLine, RelayProcess } from './relay-process.ts'
import { checkStore } from './store-check.ts'

const CLIENTS = 6
const FATAL = 60

export interface FailingDiskReport {
  readonly ending: Ending
  /** What the process said last. */
  readonly reason: string
  readonly acknowledged: number
  /** Acknowledged once the disk had begun to fail, or before the flush of what was acknowledged. */
  readonly acknowledgedTooEarly: readonly string[]
  readonly acknowledgedAfterRestart: number
  /** Of all that was acknowledged, before and after. */
  readonly entriesLost: number
  readonly calls: readonly Call[]
}

/** `inject`: what strace does to which call, such as `fdatasync:error=EIO:when=20+`; calls are counted by thread. */
export async function failDisk(inject: string, limits: readonly string[] = []): Promise<FailingDiskReport> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-strace-'))
  const trace = join(directory, 'trace')
  const relay = new RelayProcess([], {
    limits: ['freeBytesMin=0', ...limits],
    // One thread makes all commits: then the calls that are counted are those of the store.
    environment: { UV_THREADPOOL_SIZE: '1' },
  })
  const acknowledged: Acknowledged[] = []
  try {
    await relay.start(['strace', ...STRACE_OPTIONS, '-e', `inject=${inject}`, '-o', trace])
    const token = await relay.token(GRANTS)
    await push(relay, token, acknowledged, 1, (clients) => Promise.all([clients.ended(), relay.ended()]))
    const ending = await relay.ended()
    const before = acknowledged.length
    await relay.start([])
    await push(relay, token, acknowledged, 2, async (clients) => {
      while (acknowledged.length < before + 50) await new Promise((resolve) => setTimeout(resolve, 5))
      await clients.stop()
    })
    await relay.kill()
    const calls = parseTrace(readFileSync(trace, 'latin1'))
    return {
      ending,
      reason: reasonIn(relay.log),
      acknowledged: before,
      acknowledgedTooEarly: checkFlushOrder(calls).violations,
      acknowledgedAfterRestart: acknowledged.length - before,
      entriesLost: await countLost(relay.data, acknowledged),
      calls,
    }
  } finally {
    await relay.stop()
    rmSync(directory, { recursive: true })
  }
}

async function push(
  relay: RelayProcess,
  token: string,
  acknowledged: Acknowledged[],
  seed: number,
  until: (clients: PushingClients) => Promise<unknown>,
): Promise<void> {
  const { url } = relay
  const note = (entry: Acknowledged): void => void acknowledged.push(entry)
  await until(await PushingClients.start({ url, token, clients: CLIENTS, seed, acknowledged: note }))
}

function reasonIn(log: readonly LogLine[]): string {
  const line = log.find(({ level }) => level === FATAL)
  return line === undefined ? '' : `${line.msg}: ${line.err?.message}`
}

async function countLost(data: string, acknowledged: readonly Acknowledged[]): Promise<number> {
  const store = await openLmdbStore({ directory: data })
  try {
    const logs = await checkStore(store, VAULTS)
    return acknowledged.filter(({ documentId, pushId }) => !logs.get(documentId)?.pushIds.includes(pushId)).length
  } finally {
    await store.close()
  }
}

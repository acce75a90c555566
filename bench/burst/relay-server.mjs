// The relay on an embedded LMDB store in a new folder, as its command runs it, and a processor profile of it.
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay } from '@tidemark/relay'
import { answer, processorTime } from './child.mjs'

const data = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
const relay = await createRelay({ data })
const inspector = new Session()
const SAMPLING_MICROSECONDS = 250

answer(
  {
    port: () => Number(new URL(relay.url).port),
    processorTime,
    threadTimes,
    tokens: (vaults) => Promise.all(vaults.map((vault) => relay.mintToken([`${vault}/*:write`]))),
    async profileStart() {
      inspector.connect()
      await inspector.post('Profiler.enable')
      await inspector.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS })
      await inspector.post('Profiler.start')
    },
    async profileStop() {
      const { profile } = await inspector.post('Profiler.stop')
      inspector.disconnect()
      return profile
    },
  },
  async () => {
    await relay.close()
    await rm(data, { recursive: true })
  },
)

/** Clock ticks of processor time of the main thread and of the others so far; null where there is no /proc. */
function threadTimes() {
  if (process.platform !== 'linux') return null
  const times = { main: 0, others: 0 }
  for (const thread of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
    // After the name, which may hold spaces: user and system time are the fields 14 and 15 of the whole.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    times[Number(thread) === process.pid ? 'main' : 'others'] += Number(fields[11]) + Number(fields[12])
  }
  return times
}

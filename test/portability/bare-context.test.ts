// The SDK's core in a context that has no global but those which client.md lists: no console, no process, no AbortController, no URL.
import { createContext, runInContext } from 'node:vm'
import { expect, it } from 'vitest'
import { memoryRelayStore } from '../../relay/src/store/memory.ts'
import { MemoryRelay } from '../support/memory-network.ts'
import { bundle } from './bundle.ts'
import { LINES } from './lines.ts'

it('two devices meet with the documented globals, and no others', async () => {
  const relay = new MemoryRelay({ store: memoryRelayStore() })
  const said: string[] = []
  await new Promise<void>((resolve) => {
    const context = createContext({
      WebSocket: relay.WebSocket,
      fetch,
      crypto: { getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes) },
      TextEncoder,
      TextDecoder,
      setTimeout,
      clearTimeout,
      say: (line: string) => {
        said.push(line)
        if (/^(done|failed)/.test(line)) resolve()
      },
    })
    runInContext(bundle('./program.ts', 'es2022'), context, { filename: 'program.js' })
  })
  expect(said).toEqual(LINES)
})

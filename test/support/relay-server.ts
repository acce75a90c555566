// A relay of its own for one test: real sockets, and a real LMDB store in a directory that goes with it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay, type Limits, type Relay } from '@tidemark/relay'

export interface RelayServer {
  readonly relay: Relay
  readonly url: string
  /** For everything in the vault `alice`. */
  readonly token: string
  close(): Promise<void>
}

export async function startRelayServer(limits: Partial<Limits> = {}): Promise<RelayServer> {
  const data = mkdtempSync(join(tmpdir(), 'tidemark-relay-'))
  const relay = await createRelay({ data, limits })
  return {
    relay,
    url: relay.url,
    token: await relay.mintToken(['alice/*:write']),
    close: async () => {
      await relay.close()
      rmSync(data, { recursive: true, force: true })
    },
  }
}

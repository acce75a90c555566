// Directories for tests that open a store thousands of times: in memory where the system offers that, because they ask
// what is on the disk and not whether flushing works.
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'

export function newScratchDirectory(): Promise<string> {
  return mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'tidemark-store-'))
}

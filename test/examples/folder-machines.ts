// Machines for the tests of the folder example: a folder each, and one real relay.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createRelay, type Relay } from '@tidemark/relay'
import { afterEach, beforeEach, expect } from 'vitest'
import { Folder } from '../../examples/folder/src/folder.ts'
import { filesIn } from '../../examples/folder/src/names.ts'

let relay: Relay
let token = ''
const running = new Set<Machine>()

/** Of one test, and gone after it. */
export let home = ''

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tidemark-folder-'))
  relay = await createRelay({ data: join(home, 'relay') })
  token = await relay.mintToken(['alice/*:delete'])
})

afterEach(async () => {
  for (const machine of running) await machine.stop()
  await relay.close()
  await rm(home, { recursive: true })
})

export function two(): [Machine, Machine] {
  return [new Machine('laptop'), new Machine('desktop')]
}

export class Machine {
  readonly directory: string
  readonly said: string[] = []
  folder: Folder

  constructor(name: string) {
    this.directory = join(home, name)
    this.folder = this.#start()
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** As the command does it, until nothing more moves. */
  async sync(): Promise<void> {
    let isComplete = false
    for (let burst = 0; burst < 3; burst++) {
      await this.folder.reconcile()
      isComplete = (await this.folder.tidemark.sync()).complete
    }
    await this.folder.reconcile()
    expect(isComplete).toBe(true)
  }

  reconcile(): Promise<void> {
    return this.folder.reconcile()
  }

  async stop(): Promise<void> {
    running.delete(this)
    await this.folder.tidemark.close()
  }

  async restart(): Promise<void> {
    await this.stop()
    this.folder = this.#start()
  }

  async write(name: string, text: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.directory, name)), { recursive: true })
    await writeFile(join(this.directory, name), text)
  }

  read(name: string): Promise<string> {
    return readFile(join(this.directory, name), 'utf8')
  }

  async names(): Promise<string[]> {
    return [...(await filesIn(this.directory)).keys()].sort()
  }

  #start(): Folder {
    running.add(this)
    const say = (line: string): void => void this.said.push(line)
    return new Folder({ directory: this.directory, vault: 'alice', relays: [relay.url], token, schedule: false, say })
  }
}

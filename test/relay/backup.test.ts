// `tidemark backup`: what it copies under load is one whole state, a relay that is started on it draws a new epoch, and
// devices give back what it lacks.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { afterEach, describe, expect, it } from 'vitest'
import { openLmdbStore } from '../../relay/src/store/lmdb/open.ts'
import { type Acknowledged, GRANTS, PushingClients, VAULTS } from '../support/pushing-clients.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { checkStore, hex } from '../support/store-check.ts'
import { burst, END, hello, only } from './device.ts'

const COMMAND = fileURLToPath(new URL('../../relay/bin/tidemark.mjs', import.meta.url))
const NOVEL = 'alice/novel'
const run = promisify(execFile)
const undo: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describe('a backup', () => {
  it('under load holds all that was acknowledged before it, untorn, and gets a new epoch', async () => {
    const relay = await startRelay()
    const token = await relay.token(GRANTS)
    const acknowledged: Acknowledged[] = []
    const clients = await PushingClients.start({
      url: relay.url,
      token,
      clients: 8,
      seed: 1,
      acknowledged: (entry) => acknowledged.push(entry),
    })
    const { epoch } = only(await burst(relay.url, [hello(token), END]), 'WELCOME')
    const copies: { readonly directory: string; readonly acknowledgedBefore: number }[] = []
    for (let copy = 0; copy < 4; copy++) {
      while (acknowledged.length < 150 * (copy + 1)) await new Promise((resolve) => setTimeout(resolve, 5))
      const acknowledgedBefore = acknowledged.length
      copies.push({ directory: await backUp(relay.data), acknowledgedBefore })
    }
    const during = acknowledged.length
    await clients.stop()
    // The relay was never held up for good, and is still the one that holds its data.
    expect(during).toBeGreaterThan(copies.at(-1)?.acknowledgedBefore ?? Number.POSITIVE_INFINITY)
    expect(clients.refusals).toEqual([])
    for (const { directory, acknowledgedBefore } of copies) {
      expect(readdirSync(directory)).toEqual(['data.mdb'])
      const store = await openLmdbStore({ directory })
      const logs = await checkStore(store, VAULTS)
      for (const { documentId, pushId } of acknowledged.slice(0, acknowledgedBefore)) {
        expect(logs.get(documentId)?.pushIds).toContain(pushId)
      }
      expect(hex(store.epoch)).not.toBe(hex(epoch))
      await store.close()
    }
  }, 60_000)

  it('that replaces the data gets back from the devices what it lacks, unasked', async () => {
    const relay = await startRelay()
    const token = await relay.token()
    const [writer, reader] = [device(relay.url, token), device(relay.url, token)]
    await write(writer, 'before. ')
    await reader.open(NOVEL)
    expect((await reader.sync()).complete).toBe(true)
    const copy = await backUp(relay.data)
    await write(writer, 'after. ')
    await relay.kill()
    rmSync(join(relay.data, 'sidecar.json'))
    await run('cp', [join(copy, 'data.mdb'), join(relay.data, 'data.mdb')])
    await relay.start()
    expect(relay.log.map(({ msg }) => msg)).toContain('the data is a copy that was put in place: it gets a new epoch')
    for (const each of [writer, reader, writer]) expect((await each.sync()).complete).toBe(true)
    const fresh = device(relay.url, token)
    for (const each of [reader, fresh]) {
      const { doc } = await each.open(NOVEL)
      expect((await each.sync()).complete).toBe(true)
      expect(doc.getText('t').toString()).toBe('after. before. ')
    }
  })

  it('of a relay that does not run is as good', async () => {
    const directory = newDirectory()
    const store = await openLmdbStore({ directory })
    await store.close()
    const copy = await openLmdbStore({ directory: await backUp(directory) })
    expect(await checkStore(copy, ['alice'])).toEqual(new Map())
    await copy.close()
  })

  it('is never written over, half a one is not taken for whole, and what is wrong is said', async () => {
    const relay = await startRelay()
    const to = await backUp(relay.data)
    await expect(run(process.execPath, [COMMAND, 'backup', '--data', relay.data, '--to', to])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(to),
    })
    const nothing = newDirectory()
    const cases: readonly [from: string, to: string, code: number, named: string][] = [
      [nothing, join(nothing, 'copy'), 74, nothing],
      [relay.data, '/dev/null/copy', 74, '/dev/null/copy'],
    ]
    for (const [from, target, code, named] of cases) {
      await expect(run(process.execPath, [COMMAND, 'backup', '--data', from, '--to', target])).rejects.toMatchObject({
        code,
        stderr: expect.stringContaining(named),
      })
    }
    expect(existsSync(join(nothing, 'data.mdb'))).toBe(false)
    // Of one that was killed half of a file is left, which the next one removes.
    const other = newDirectory()
    await run('mkdir', [join(other, 'incomplete')])
    writeFileSync(join(other, 'incomplete', 'data.mdb'), 'half')
    await run(process.execPath, [COMMAND, 'backup', '--data', relay.data, '--to', other])
    expect(readdirSync(other)).toEqual(['data.mdb'])
  })
})

async function backUp(data: string): Promise<string> {
  const to = join(newDirectory(), 'copy')
  const { stdout } = await run(process.execPath, [COMMAND, 'backup', '--data', data, '--to', to])
  expect(stdout).toMatch(/data\.mdb: \d+ bytes\n$/)
  return to
}

async function startRelay(): Promise<RelayProcess> {
  const relay = new RelayProcess()
  undo.push(() => relay.stop())
  await relay.start()
  return relay
}

function device(url: string, token: string): Tidemark {
  const made = new Tidemark({ relays: [url], token, store: memoryStore(), schedule: false })
  undo.push(() => made.close())
  return made
}

async function write(writer: Tidemark, text: string): Promise<void> {
  const { doc } = await writer.open(NOVEL)
  doc.getText('t').insert(0, text)
  expect((await writer.sync()).complete).toBe(true)
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-backup-'))
  undo.push(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

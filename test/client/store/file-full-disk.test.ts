// A file store on a disk that is really full: a small one in memory, which only root can mount.
import { execFileSync } from 'node:child_process'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import { DeviceStoreError } from '../../../client/src/store/contract.ts'
import { appending, contentOf, texts } from './rows.ts'
import { newScratchDirectory } from './scratch.ts'

const canMount = process.platform === 'linux' && process.getuid?.() === 0
const isRequired = process.env.TIDEMARK_CI === '1'
const why = canMount ? '' : ' (skipped: mounting a small disk needs Linux and root)'

describe.skipIf(!canMount && !isRequired)(`a full disk${why}`, () => {
  let disk: string
  let directory: string
  beforeAll(async () => {
    disk = await newScratchDirectory()
    directory = join(disk, 'store')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk])
  })
  afterAll(async () => {
    execFileSync('umount', [disk])
    await rm(disk, { recursive: true })
  })

  it('refuses with FULL, keeps what was promised, opens, and goes on when there is space', async () => {
    const ballast = join(disk, 'ballast')
    await writeFile(ballast, Buffer.alloc(200_000))
    const store = await fileStore(directory).open()
    const { promised, refusal } = await fill(store)
    expect(refusal).toMatchObject({ code: 'FULL' })
    expect(promised).toBeGreaterThan(10)

    const ids = ['d', 'new']
    const content = await contentOf(store, ids)
    expect(await store.rows('d')).toHaveLength(promised)
    const refused = {
      append: [...appending('new', 'x'.repeat(50_000)).append, ...appending('d', 'y'.repeat(50_000)).append],
    }
    await expect(store.commit(refused)).rejects.toMatchObject({ code: 'FULL' })
    expect(await contentOf(store, ids)).toBe(content)
    await store.close()
    const full = await fileStore(directory).open()
    expect(await contentOf(full, ids)).toBe(content)
    expect(await readdir(join(directory, 'rows'))).toHaveLength(1)

    await rm(ballast)
    await full.commit(refused)
    expect((await full.rows('d')).at(-1)?.id).toBe(promised + 1)
    expect(texts(await full.rows('new'))).toEqual(['x'.repeat(50_000)])
    await full.close()
  })
})

async function fill(store: Awaited<ReturnType<ReturnType<typeof fileStore>['open']>>): Promise<{
  promised: number
  refusal: DeviceStoreError
}> {
  for (let promised = 0; ; promised++) {
    try {
      await store.commit({
        ...appending('d', 'x'.repeat(9_000)),
        records: [{ key: 'at', bytes: Uint8Array.of(promised) }],
      })
    } catch (error) {
      if (error instanceof DeviceStoreError) return { promised, refusal: error }
      throw error
    }
  }
}

import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SILENT } from '../../../relay/src/logger.ts'
import { secretOf } from '../../../relay/src/token/secret.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-secret-'))
})
afterEach(() => rm(directory, { recursive: true }))

describe('the secret of a data directory', () => {
  it('is made at the first start, 32 bytes, readable by its owner alone, and stays', async () => {
    const data = join(directory, 'new', 'data')
    const secret = await secretOf(data, SILENT)
    expect(secret).toHaveLength(32)
    expect(await secretOf(data, SILENT)).toEqual(secret)
    expect(await readdir(data)).toEqual(['secret'])
    if (process.platform !== 'win32') expect((await stat(join(data, 'secret'))).mode & 0o777).toBe(0o600)
  })

  it('is the same for all that start at once', async () => {
    const secrets = await Promise.all(Array.from({ length: 20 }, () => secretOf(directory, SILENT)))
    expect(new Set(secrets.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(1)
    expect(await readdir(directory)).toEqual(['secret'])
  })

  it('that is not 32 bytes long is refused, and not replaced', async () => {
    await writeFile(join(directory, 'secret'), 'short')
    await expect(secretOf(directory, SILENT)).rejects.toMatchObject({ code: 'DATA', option: 'data' })
    expect((await stat(join(directory, 'secret'))).size).toBe(5)
  })

  it('that others can read is warned of, without telling it', async () => {
    const secret = await secretOf(directory, SILENT)
    await chmod(join(directory, 'secret'), 0o644)
    const warnings: string[] = []
    const warn = (fields: object, message: string): void => void warnings.push(`${message} ${JSON.stringify(fields)}`)
    await secretOf(directory, { ...SILENT, warn })
    if (process.platform === 'win32') return
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('chmod 600')
    expect(warnings[0]).not.toContain(Buffer.from(secret).toString('hex'))
  })

  it('cannot be kept where there is no directory to be made', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(secretOf(join(directory, 'file'), SILENT)).rejects.toMatchObject({ name: 'RelayError', code: 'DATA' })
  })
})

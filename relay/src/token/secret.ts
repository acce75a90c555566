// The secret that signs tokens: 32 random bytes in the data directory, made at the first start. Never logged.
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, syncDirectory } from '../directory.ts'
import { RelayError } from '../errors.ts'
import type { Logger } from '../logger.ts'

export const SECRET_BYTES = 32
const SECRET_FILE = 'secret'

/**
 * The secret of a data directory; makes directory and secret (mode 0600) where there are none. Of several processes
 * that start at once all get the same one.
 * @throws RelayError DATA
 */
export async function secretOf(directory: string, logger: Logger): Promise<Uint8Array> {
  const path = join(directory, SECRET_FILE)
  try {
    makeDirectory(directory)
    return (await readSecret(path, logger)) ?? (await createSecret(directory, path, logger))
  } catch (cause) {
    if (cause instanceof RelayError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RelayError('DATA', `The data directory ${directory} cannot be used: ${reason}`, { option: 'data', cause })
  }
}

async function createSecret(directory: string, path: string, logger: Logger): Promise<Uint8Array> {
  const draft = join(directory, `.${SECRET_FILE}-${randomBytes(8).toString('hex')}`)
  const file = await open(draft, 'wx', 0o600)
  try {
    await writeSecret(file)
    // A link appears whole or not at all, and never replaces the secret of a process that was faster.
    await link(draft, path)
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) throw error
  } finally {
    await unlink(draft)
  }
  syncDirectory(directory)
  const secret = await readSecret(path, logger)
  logger.info({ path }, `made a new secret: ${path}`)
  if (secret === null) throw new RelayError('DATA', `The secret ${path} vanished while it was made`, { option: 'data' })
  return secret
}

async function writeSecret(file: FileHandle): Promise<void> {
  try {
    await file.writeFile(randomBytes(SECRET_BYTES))
    await file.sync()
  } finally {
    await file.close()
  }
}

async function readSecret(path: string, logger: Logger): Promise<Uint8Array | null> {
  let secret: Uint8Array
  try {
    secret = await readFile(path)
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null
    throw error
  }
  if (secret.length !== SECRET_BYTES) {
    throw new RelayError('DATA', `${path} must hold exactly ${SECRET_BYTES} bytes`, { option: 'data' })
  }
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    logger.warn({ path, mode: (mode & 0o777).toString(8) }, 'the secret can be read by other users: chmod 600 it')
  }
  return secret
}

function hasErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

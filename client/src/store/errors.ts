// What a device store's failure is called for an app.
import { type ErrorCode, TidemarkError } from '../errors.ts'
import { DeviceStoreError, type DeviceStoreErrorCode } from './contract.ts'

const CODES: Readonly<Record<DeviceStoreErrorCode, ErrorCode>> = {
  IN_USE: 'STORE_IN_USE',
  FULL: 'STORE_FULL',
  FAILED: 'STORE_FAILED',
  CLOSED: 'CLOSED',
}

export function storeError(error: unknown, documentId: string | null = null): TidemarkError {
  if (error instanceof TidemarkError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof DeviceStoreError ? CODES[error.code] : 'STORE_FAILED'
  return new TidemarkError(code, `The device store failed: ${message}`, { documentId, cause: error })
}

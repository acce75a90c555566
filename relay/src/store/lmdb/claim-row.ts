// The row of a log's claims, by its serial: the newest few, the newest last. Numbers as in records.ts.
//
//   1 version | each claim: index | at | 16 device | 16 digest | 4 length | profile
import { INDEX_BYTES } from '../bookmark.ts'
import type { Bytes } from '../contract.ts'
import { checkVersion, ID_BYTES, ROW_VERSION } from './records.ts'

export interface Claim {
  readonly index: number
  readonly atMs: number
  readonly device: Bytes
  readonly digest: Bytes
  /** UTF-8. */
  readonly profile: Bytes
}

const AT = { atMs: INDEX_BYTES, device: 12, digest: 28, length: 44, profile: 48 } as const

export function encodeClaims(claims: readonly Claim[]): Buffer {
  return Buffer.concat([Buffer.from([ROW_VERSION]), ...claims.map(encodeClaim)])
}

export function decodeClaims(row: Buffer): readonly Claim[] {
  checkVersion(row, 'claim')
  const claims: Claim[] = []
  for (let at = 1; at < row.length; ) {
    const end = at + AT.profile + row.readUInt32BE(at + AT.length)
    claims.push({
      index: row.readUIntBE(at, INDEX_BYTES),
      atMs: row.readUIntBE(at + AT.atMs, INDEX_BYTES),
      device: row.subarray(at + AT.device, at + AT.device + ID_BYTES),
      digest: row.subarray(at + AT.digest, at + AT.digest + ID_BYTES),
      profile: row.subarray(at + AT.profile, end),
    })
    at = end
  }
  return claims
}

function encodeClaim({ index, atMs, device, digest, profile }: Claim): Buffer {
  const bytes = Buffer.allocUnsafe(AT.profile + profile.length)
  bytes.writeUIntBE(index, 0, INDEX_BYTES)
  bytes.writeUIntBE(atMs, AT.atMs, INDEX_BYTES)
  bytes.set(device, AT.device)
  bytes.set(digest, AT.digest)
  bytes.writeUInt32BE(profile.length, AT.length)
  bytes.set(profile, AT.profile)
  return bytes
}

// Document ids, `vault/name`: what is one, and what is wrong with what is not. Compared as bytes, never normalised.
import { utf8Length } from './bytes/utf8.ts'
import { FIELD_LIMITS } from './limits.ts'

export type ParsedDocumentId =
  | { readonly ok: true; readonly vault: string; readonly name: string }
  | { readonly ok: false; readonly message: string }

const VAULT = /^[A-Za-z0-9._~-]{1,64}$/

/**
 * Splits a document id at its first slash.
 *
 * The vault is 1 to 64 of `A-Z a-z 0-9 . _ ~ -`; the name is any well-formed Unicode without control characters,
 * further slashes included, not empty; the whole is at most 512 bytes of UTF-8.
 */
export function parseDocumentId(documentId: string): ParsedDocumentId {
  const bytes = utf8Length(documentId)
  if (bytes < 0) return { ok: false, message: 'document id: half of a surrogate pair' }
  if (bytes > FIELD_LIMITS.documentIdBytesMax) {
    return { ok: false, message: `document id: ${bytes} bytes, at most ${FIELD_LIMITS.documentIdBytesMax}` }
  }
  const slash = documentId.indexOf('/')
  if (slash < 0) return { ok: false, message: 'document id: no slash between vault and name' }
  const vault = documentId.slice(0, slash)
  const name = documentId.slice(slash + 1)
  if (!isVault(vault)) return { ok: false, message: 'document id: the vault is not 1 to 64 of A-Z a-z 0-9 . _ ~ -' }
  if (name === '') return { ok: false, message: 'document id: the name is empty' }
  if (hasControlCharacter(name)) return { ok: false, message: 'document id: the name has a control character' }
  return { ok: true, vault, name }
}

/** Whether this can be the vault of a document id. */
export function isVault(vault: string): boolean {
  return VAULT.test(vault)
}

/** The category Cc of Unicode; not by \p{Cc}, which not every Hermes knows. */
function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true
  }
  return false
}

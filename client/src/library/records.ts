// The records of the device store that speak of vaults and relays. Keys end in a URL, a line feed (which no URL has),
// and a vault or a document id.

/** What a relay's feed last said of a document. */
export interface Listing {
  readonly tag: Uint8Array
  readonly deleted: boolean
}

/** Key of the 16 random bytes that name this device. */
export const DEVICE_KEY = 'device'
/** Values are feed marks. */
export const FEED_RECORDS = 'feed/'
export const LISTING_RECORDS = 'listing/'
/** Values are the epochs of relays. */
const RELAY_RECORDS = 'relay/'

export function feedKey(relay: string, vault: string): string {
  return `${FEED_RECORDS}${relay}\n${vault}`
}

export function feedOfKey(key: string): { readonly relay: string; readonly name: string } {
  return split(key.slice(FEED_RECORDS.length))
}

export function listingKey(relay: string, documentId: string): string {
  return `${LISTING_RECORDS}${relay}\n${documentId}`
}

export function listingOfKey(key: string): { readonly relay: string; readonly name: string } {
  return split(key.slice(LISTING_RECORDS.length))
}

export function relayKey(relay: string): string {
  return RELAY_RECORDS + relay
}

/** deleted? (one byte), then the tag. */
export function encodeListing({ tag, deleted }: Listing): Uint8Array {
  const bytes = new Uint8Array(1 + tag.length)
  bytes[0] = deleted ? 1 : 0
  bytes.set(tag, 1)
  return bytes
}

export function decodeListing(bytes: Uint8Array): Listing {
  return { deleted: bytes[0] === 1, tag: bytes.slice(1) }
}

function split(text: string): { readonly relay: string; readonly name: string } {
  const at = text.indexOf('\n')
  return { relay: text.slice(0, at), name: text.slice(at + 1) }
}

// Which connections linger on which documents, and so are told when a log grows. In memory only; reads and stores nothing.

/** A connection that lingers. Nothing here throws. */
export interface Member {
  /** The log reaches up to `index` now; Infinity: it may be another one, or repaired. */
  news(documentId: string, index: number): void
  awareness(documentId: string, bytes: Uint8Array): void
}

export class Audience {
  /** By document, then by device. */
  readonly #byDocument = new Map<string, Map<string, Set<Member>>>()

  join(documentId: string, deviceKey: string, member: Member): void {
    const devices = this.#byDocument.get(documentId) ?? new Map<string, Set<Member>>()
    const members = devices.get(deviceKey) ?? new Set()
    this.#byDocument.set(documentId, devices.set(deviceKey, members.add(member)))
  }

  leave(documentId: string, deviceKey: string, member: Member): void {
    const devices = this.#byDocument.get(documentId)
    const members = devices?.get(deviceKey)
    members?.delete(member)
    if (members?.size === 0) devices?.delete(deviceKey)
    if (devices?.size === 0) this.#byDocument.delete(documentId)
  }

  /** Devices other than this one. */
  othersOn(documentId: string, deviceKey: string): number {
    const devices = this.#byDocument.get(documentId)
    return devices === undefined ? 0 : devices.size - (devices.has(deviceKey) ? 1 : 0)
  }

  tellNews(documentId: string, index: number): void {
    for (const member of this.#membersOn(documentId)) member.news(documentId, index)
  }

  /** To all but the one that it comes from. */
  spread(documentId: string, bytes: Uint8Array, from: Member): void {
    for (const member of this.#membersOn(documentId)) if (member !== from) member.awareness(documentId, bytes)
  }

  /** A copy: who is told may leave. */
  #membersOn(documentId: string): readonly Member[] {
    const devices = this.#byDocument.get(documentId)
    return devices === undefined ? [] : [...devices.values()].flatMap((members) => [...members])
  }
}

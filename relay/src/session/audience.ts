// Which connections linger on which documents, and who of them is still to be told of news. In memory only, bounded; reads and
// stores nothing. However many wait for the same log, only a few are told in one turn of the event loop.

/** A connection that lingers. Nothing here throws. */
export interface Member {
  /** The log reaches up to `index` now; Infinity: it may be another one, or repaired. */
  news(documentId: string, index: number): void
}

/** Members that are told in one turn: each reads a page for it. */
const TOLD_AT_ONCE = 16

export class Audience {
  readonly #channelsMax: number
  readonly #later: (callback: () => void) => void
  #channels = 0
  /** By document, then by device. */
  readonly #byDocument = new Map<string, Map<string, Set<Member>>>()
  /** By member, the newest news of each document. */
  readonly #untold = new Map<Member, Map<string, number>>()

  /** `later` calls back in another turn of the event loop. */
  constructor(channelsMax: number, later: (callback: () => void) => void) {
    this.#channelsMax = channelsMax
    this.#later = later
  }

  /** As many linger as this relay bears. */
  get isFull(): boolean {
    return this.#channels >= this.#channelsMax
  }

  join(documentId: string, deviceKey: string, member: Member): void {
    const devices = this.#byDocument.get(documentId) ?? new Map<string, Set<Member>>()
    const members = devices.get(deviceKey) ?? new Set()
    if (!members.has(member)) this.#channels += 1
    this.#byDocument.set(documentId, devices.set(deviceKey, members.add(member)))
  }

  leave(documentId: string, deviceKey: string, member: Member): void {
    const devices = this.#byDocument.get(documentId)
    const members = devices?.get(deviceKey)
    if (members?.delete(member) === true) this.#channels -= 1
    if (members?.size === 0) devices?.delete(deviceKey)
    if (devices?.size === 0) this.#byDocument.delete(documentId)
    const untold = this.#untold.get(member)
    untold?.delete(documentId)
    if (untold?.size === 0) this.#untold.delete(member)
  }

  /** Devices other than this one. */
  othersOn(documentId: string, deviceKey: string): number {
    const devices = this.#byDocument.get(documentId)
    return devices === undefined ? 0 : devices.size - (devices.has(deviceKey) ? 1 : 0)
  }

  /** Whoever lingers on the document is told, soon. */
  noteNews(documentId: string, index: number): void {
    const isQuiet = this.#untold.size === 0
    for (const members of this.#byDocument.get(documentId)?.values() ?? []) {
      for (const member of members) {
        const untold = this.#untold.get(member) ?? new Map<string, number>()
        this.#untold.set(member, untold.set(documentId, Math.max(index, untold.get(documentId) ?? 0)))
      }
    }
    if (isQuiet && this.#untold.size > 0) this.#later(this.#tellSome)
  }

  readonly #tellSome = (): void => {
    let left = TOLD_AT_ONCE
    for (const [member, untold] of this.#untold) {
      if (left-- === 0) break
      this.#untold.delete(member)
      for (const [documentId, index] of untold) member.news(documentId, index)
    }
    if (this.#untold.size > 0) this.#later(this.#tellSome)
  }
}

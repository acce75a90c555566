// Who may upload a snapshot of which document. In memory only: fences begin again with the process, and what keeps an
// old branch out of a log is the store, by base and chain. Never reads a clock.

export interface Lease {
  readonly fence: number
  readonly deviceKey: string
  /** Of the log when the lease was given: the swap expects it unchanged. */
  readonly base: number
}

interface HeldLease extends Lease {
  lostAtMs: number
}

export class Leases {
  readonly #leaseMs: number
  readonly #byDocument = new Map<string, HeldLease>()
  #lastFence = 0

  /** `leaseMs`: after so long without a piece a lease is lost. */
  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  get size(): number {
    return this.#byDocument.size
  }

  /** Null: another device holds it. The same device gets it anew, and its earlier fence is void. */
  grant(documentId: string, deviceKey: string, base: number, nowMs: number): Lease | null {
    const held = this.#current(documentId, nowMs)
    if (held !== undefined && held.deviceKey !== deviceKey) return null
    this.#lastFence += 1
    const lease = { fence: this.#lastFence, deviceKey, base, lostAtMs: nowMs + this.#leaseMs }
    this.#byDocument.set(documentId, lease)
    return lease
  }

  isHeld(documentId: string, nowMs: number): boolean {
    return this.#current(documentId, nowMs) !== undefined
  }

  /** The lease that a device uploads under; null: it is not the current one. */
  find(documentId: string, deviceKey: string, fence: number, nowMs: number): Lease | null {
    const held = this.#current(documentId, nowMs)
    return held?.fence === fence && held.deviceKey === deviceKey ? held : null
  }

  /** A piece was accepted under it. */
  extend(documentId: string, { fence }: Lease, nowMs: number): void {
    const held = this.#current(documentId, nowMs)
    if (held?.fence === fence) held.lostAtMs = nowMs + this.#leaseMs
  }

  end(documentId: string, { fence }: Lease): void {
    if (this.#byDocument.get(documentId)?.fence === fence) this.#byDocument.delete(documentId)
  }

  /** Forgets what is lost. */
  sweep(nowMs: number): void {
    for (const [documentId, { lostAtMs }] of this.#byDocument) {
      if (lostAtMs <= nowMs) this.#byDocument.delete(documentId)
    }
  }

  #current(documentId: string, nowMs: number): HeldLease | undefined {
    const held = this.#byDocument.get(documentId)
    return held !== undefined && held.lostAtMs > nowMs ? held : undefined
  }
}

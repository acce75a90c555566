// Which devices have shown that they hold what: of each document the two highest marks that two different devices
// presented. Enough to tell any device whether another one holds what it pushed (`confirmed`). In memory only, bounded.
import { equalBytes } from '../bytes.ts'

interface Witness {
  readonly deviceKey: string
  readonly index: number
}

interface Witnessed {
  readonly incarnation: Uint8Array
  /** Highest index first; of different devices. */
  readonly witnesses: readonly Witness[]
}

const WITNESSES_MAX = 2

export class Witnesses {
  readonly #documentsMax: number
  /** Least recently used first. */
  readonly #byDocument = new Map<string, Witnessed>()

  constructor(documentsMax: number) {
    this.#documentsMax = documentsMax
  }

  get size(): number {
    return this.#byDocument.size
  }

  /** A device has presented a mark at `index` that is of this incarnation's log. */
  present(documentId: string, incarnation: Uint8Array, deviceKey: string, index: number): void {
    const before = this.#of(documentId, incarnation)
    const own = before.find((witness) => witness.deviceKey === deviceKey)
    const others = before.filter((witness) => witness.deviceKey !== deviceKey)
    const now = { deviceKey, index: Math.max(index, own?.index ?? 0) }
    const witnesses = [now, ...others].sort((one, other) => other.index - one.index).slice(0, WITNESSES_MAX)
    this.#byDocument.delete(documentId)
    this.#byDocument.set(documentId, { incarnation, witnesses })
    this.#forgetOldest()
  }

  /** Whether a device other than this one has presented a mark at or after `index`. */
  confirm(documentId: string, incarnation: Uint8Array, deviceKey: string, index: number): boolean {
    return this.#of(documentId, incarnation).some(
      (witness) => witness.deviceKey !== deviceKey && witness.index >= index,
    )
  }

  #of(documentId: string, incarnation: Uint8Array): readonly Witness[] {
    const witnessed = this.#byDocument.get(documentId)
    return witnessed !== undefined && equalBytes(witnessed.incarnation, incarnation) ? witnessed.witnesses : []
  }

  #forgetOldest(): void {
    if (this.#byDocument.size <= this.#documentsMax) return
    const [oldest] = this.#byDocument.keys()
    if (oldest !== undefined) this.#byDocument.delete(oldest)
  }
}

// The payload bytes of one document in one burst, both ways: what is done and what there is in all, as far as is known by
// now. Never goes back, and never counts what the relay has not given, or not said to hold.
import type { Exchange } from '../document/exchange.ts'
import type { Outgoing } from '../document/outgoing.ts'

/** A document of more no device could hold: sums stay exact, whatever a relay announces. */
const TO_COME_MAX: number = 4 * 1024 ** 3

export class Transfer {
  readonly #exchange: Exchange
  /** Of what is done, what earlier bursts did. */
  #bytesBefore = 0
  #isOpened = false
  #receivedBytes = 0
  /** Of these, what a mark has covered. */
  #markedBytes = 0
  #bytesToReceive = 0
  readonly #pushes = new Set<Outgoing>()
  /** Those of which the relay has said how much it has. */
  readonly #located = new Set<Outgoing>()
  #sentBytes = 0
  #bytesToSend = 0

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** For each OPENED, before the exchange takes it. What came of a payload in an earlier burst is done, and does not come again. */
  opened(bytesToCome: number): void {
    const cameBefore = this.#exchange.view.incoming?.received ?? 0
    if (!this.#isOpened) {
      this.#receivedBytes = cameBefore
      this.#bytesBefore += cameBefore
    }
    this.#isOpened = true
    const toCome = Math.max(0, Math.min(bytesToCome, TO_COME_MAX) - cameBefore)
    this.#bytesToReceive = Math.max(this.#bytesToReceive, this.#receivedBytes + toCome)
  }

  received(byteLength: number): void {
    this.#receivedBytes += byteLength
    this.#bytesToReceive = Math.max(this.#bytesToReceive, this.#receivedBytes)
  }

  /** What has come up to here does not come again. */
  marked(): void {
    this.#markedBytes = this.#receivedBytes
  }

  get bytesTotal(): number {
    this.#lookAtPushes()
    return this.#bytesToReceive + this.#bytesToSend
  }

  get bytesDone(): number {
    this.#lookAtPushes()
    return this.#receivedBytes + this.#sentBytes
  }

  /** This burst has brought something further, and it stays so. */
  get hasMoved(): boolean {
    this.#lookAtPushes()
    return this.#keptBytes + this.#sentBytes > this.#bytesBefore
  }

  /** Behind the mark only the beginning of one payload is kept, where nothing came before it. */
  get #keptBytes(): number {
    const begun = this.#exchange.view.incoming?.received ?? 0
    return this.#markedBytes + begun === this.#receivedBytes ? this.#receivedBytes : this.#markedBytes
  }

  #lookAtPushes(): void {
    let left = 0
    for (const outgoing of this.#exchange.view.outgoing) {
      const { length } = outgoing.payload
      if (!this.#pushes.has(outgoing)) this.#bytesToSend += length
      this.#pushes.add(outgoing)
      const { staged } = outgoing
      if (staged !== null && !this.#located.has(outgoing)) this.#bytesBefore += staged
      if (staged !== null) this.#located.add(outgoing)
      left += length - (staged ?? 0)
    }
    // A refused push is on its way no more, and nobody has it.
    if (this.#exchange.error === null) this.#sentBytes = Math.max(this.#sentBytes, this.#bytesToSend - left)
  }
}

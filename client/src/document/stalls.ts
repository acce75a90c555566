// Ends an exchange with a relay that always has more to ask and never gets further: counts the rounds of one document, and
// those in a row in which nothing came of it.

/** A relay that loses its data again and again must not keep one burst going for ever: so many whole answers. */
const ROUNDS_MAX = 1_000
/** More than all that an honest relay can ask for in a row: claim, lease, turn, repairs, and what was under way in a resync. */
const STALLS_MAX = 32

export class Stalls {
  #rounds = 0
  #stalls = 0
  #hasMoved = false
  #hasUploaded = false

  /** A push was acknowledged, or entries were taken in. */
  moved(): void {
    this.#hasMoved = true
  }

  /** The relay holds more of a large payload: such rounds are as many as its pieces. */
  uploaded(): void {
    this.#hasUploaded = true
  }

  roundEnded(): void {
    if (!this.#hasUploaded) this.#rounds++
    this.#stalls = this.#hasMoved || this.#hasUploaded ? 0 : this.#stalls + 1
    this.#hasMoved = false
    this.#hasUploaded = false
  }

  get isStuck(): boolean {
    return this.#rounds >= ROUNDS_MAX || this.#stalls >= STALLS_MAX
  }
}

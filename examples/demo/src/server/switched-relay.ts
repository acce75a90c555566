// A relay of the demo, which can be turned off and on while the page is served. Off is as good as gone: its store is closed,
// and its paths are nobody's.
import { createRelay, type Relay, type RelayOptions } from '@tidemark/relay'

/** A burst under way may end; longer than that nobody waits who has turned a switch. */
const CLOSE_DEADLINE_MS = 1_000

export class SwitchedRelay {
  /** Resolves when it can no longer promise durability. */
  readonly failed: Promise<Error>
  readonly #options: RelayOptions
  readonly #fail: (error: Error) => void
  /** The one that is on, or the last one that was: it signs tokens all the same. */
  #relay: Relay
  #isOn = true
  #turning: Promise<void> = Promise.resolve()

  /** @throws what `createRelay` throws */
  static async start(options: RelayOptions): Promise<SwitchedRelay> {
    return new SwitchedRelay(options, await createRelay(options))
  }

  private constructor(options: RelayOptions, relay: Relay) {
    let fail: (error: Error) => void = () => undefined
    this.failed = new Promise((resolve) => {
      fail = resolve
    })
    this.#options = options
    this.#fail = fail
    this.#relay = relay
    void relay.failed.then(fail)
  }

  get isOn(): boolean {
    return this.#isOn
  }

  mintToken(...[grants, options]: Parameters<Relay['mintToken']>): Promise<string> {
    return this.#relay.mintToken(grants, options)
  }

  /** One turn after the other. @throws what `createRelay` throws: then it stays off */
  turn(isOn: boolean): Promise<void> {
    const turned = this.#turning.then(() => (isOn ? this.#turnOn() : this.#turnOff()))
    // Whoever turned it has the error; the next turn is another matter.
    this.#turning = turned.catch(() => undefined)
    return turned
  }

  /** Finishes the bursts under way. */
  async close(): Promise<void> {
    await this.#turning
    await this.#relay.close()
    this.#isOn = false
  }

  async #turnOn(): Promise<void> {
    if (this.#isOn) return
    this.#relay = await createRelay(this.#options)
    this.#isOn = true
    void this.#relay.failed.then(this.#fail)
  }

  async #turnOff(): Promise<void> {
    this.#isOn = false
    await this.#relay.close({ deadlineMs: CLOSE_DEADLINE_MS })
  }
}

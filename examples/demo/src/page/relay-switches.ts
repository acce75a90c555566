// The switches in the middle of the page, which really turn the relays off and on, and who is connected to which.
import type { Device } from './device.ts'
import { type DemoRelay, RELAYS } from './relays.ts'

const SWITCHES_PATH = '/demo/relays'

/** While a relay does not answer, the server is asked what the switches say: it may be gone, or have begun anew. */
const ASK_EVERY_MS = 3_000

type Switches = Readonly<Record<DemoRelay['name'], boolean>>

export class RelaySwitches {
  readonly #changed: () => void
  #switches: Switches = { first: true, second: true }
  #isAnswered = true
  #askAfter = 0
  #turns = 0

  /** `changed` is called after a relay was turned off or on. */
  constructor(changed: () => void) {
    this.#changed = changed
    for (const { name } of RELAYS) switchOf(name).addEventListener('click', () => void this.#turn(name))
    void this.#ask(SWITCHES_PATH)
  }

  /** Who is connected to which. */
  tick(devices: readonly Device[]): void {
    for (const { name, url } of RELAYS)
      element(`relay-${name}-light`).dataset.on = String(devices.some((device) => device.isConnectedTo(url)))
    const isDoubtful = !this.#isAnswered || devices.some(({ relays }) => relays.some(({ problem }) => problem !== null))
    if (!isDoubtful || performance.now() < this.#askAfter || this.#isTurning) return
    this.#askAfter = performance.now() + ASK_EVERY_MS
    void this.#ask(SWITCHES_PATH)
  }

  get #isTurning(): boolean {
    return RELAYS.some(({ name }) => switchOf(name).getAttribute('aria-busy') === 'true')
  }

  async #turn(name: DemoRelay['name']): Promise<void> {
    const button = switchOf(name)
    if (button.getAttribute('aria-busy') === 'true') return
    button.setAttribute('aria-busy', 'true')
    this.#turns++
    await this.#ask(`${SWITCHES_PATH}?name=${name}&on=${!this.#switches[name]}`, { method: 'POST' })
    button.removeAttribute('aria-busy')
    this.#changed()
  }

  async #ask(path: string, init: RequestInit = {}): Promise<void> {
    const turns = this.#turns
    const answer = await fetch(path, init).catch((error: Error) => error)
    // What was asked before a switch was turned says how it was.
    if (turns !== this.#turns) return
    this.#isAnswered = answer instanceof Response
    if (answer instanceof Response && answer.ok) {
      this.#switches = (await answer.json()) as Switches
      for (const { name } of RELAYS) this.#show(name)
      return
    }
    const isForbidden = answer instanceof Response && answer.status === 403
    // Elsewhere the relays can be used and not be switched; and a server that does not answer may be back.
    if (isForbidden) for (const { name } of RELAYS) switchOf(name).setAttribute('disabled', '')
    element('relays-note').textContent = isForbidden
      ? 'They can be switched on the computer that serves this page.'
      : 'The server of this page does not answer.'
  }

  #show(name: DemoRelay['name']): void {
    const isOn = this.#switches[name]
    switchOf(name).setAttribute('aria-checked', String(isOn))
    element(`relay-${name}-label`).textContent = isOn ? 'On' : 'Off'
    const offCount = Object.values(this.#switches).filter((one) => !one).length
    element('relays-note').textContent = NOTES[offCount] ?? ''
  }
}

const NOTES = [
  'Each keeps everything. Either is enough.',
  'The other one is enough.',
  'What is written stays on the devices until one is back.',
]

function switchOf(name: DemoRelay['name']): HTMLElement {
  return element(`relay-${name}`)
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found
}

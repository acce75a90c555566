// One device on the page: its editor, switch, status and timeline. Shows what the device says, and asks it for nothing else.
import type { BurstRecord } from './burst-log.ts'
import { Device } from './device.ts'
import { mountEditor } from './editor.ts'
import { Timeline } from './timeline.ts'
import { agoWords, bytesWords, clockWords, durationWords, shareWords, statusWords } from './words.ts'

export interface PanelOptions {
  /** Of the device's store. */
  readonly storeName: string
  readonly name: string
  readonly placeholder: string
}

const ROWS_MAX = 12

export class Panel {
  readonly name: string
  #device: Device | null = null
  readonly #section: HTMLElement
  readonly #timeline: Timeline
  readonly #openedAt: number = performance.now()
  #newestShown: BurstRecord | null = null
  #unmountEditor: () => void = () => undefined

  constructor(parent: HTMLElement, options: PanelOptions) {
    this.name = options.name
    const template = document.querySelector<HTMLTemplateElement>('#device-template')
    if (template === null) throw new Error('the page has no template for a device')
    this.#section = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement
    this.#section.setAttribute('aria-label', options.name)
    this.#section.dataset.device = options.storeName
    parent.append(this.#section)
    this.#part('name').textContent = options.name
    this.#timeline = new Timeline(this.#part('chart'), `The ${lower(options.name)}’s bursts in the last minute`)
    this.#start(options).catch((error: Error) => this.#showFailure(error))
  }

  /** Null until its store is open. */
  get device(): Device | null {
    return this.#device
  }

  /** What moves by itself. */
  tick(): void {
    const device = this.#device
    if (device === null) return
    this.#timeline.draw(device.log.records, device.log.offline, Date.now())
    this.#write('share', shareWords(device.connectedMs / (performance.now() - this.#openedAt)))
    const { newest } = device.log
    if (newest !== null) this.#tickNewest(newest)
  }

  #tickNewest({ startedAt, connectedMs, bytesSent, bytesReceived }: BurstRecord): void {
    const ago = agoWords(Date.now() - startedAt)
    const wasConnected = connectedMs > 0
    this.#write(
      'newest',
      wasConnected ? `Last burst ${ago}: ${durationWords(connectedMs)}` : `Tried ${ago}: no connection`,
    )
    this.#write('newest-up', wasConnected ? `${bytesWords(bytesSent)} up` : '')
    this.#write('newest-down', wasConnected ? `${bytesWords(bytesReceived)} down` : '')
  }

  async #start({ storeName, name, placeholder }: PanelOptions): Promise<void> {
    const device = await Device.start(storeName, () => this.#show())
    this.#device = device
    const mount = (): void => {
      this.#unmountEditor()
      const label = `Text on the ${lower(name)}`
      this.#unmountEditor = mountEditor(this.#part('editor'), device.document.doc, { label, placeholder })
    }
    mount()
    device.document.onRebuilt(mount)
    this.#part('online').addEventListener('click', () => device.setOnline(!device.isOnline))
    this.#part('sync').addEventListener('click', () => void device.sync())
    this.#show()
  }

  #show(): void {
    const device = this.#device
    if (device === null) return
    const { document, edits, isOnline, log } = device
    const words = statusWords({
      status: document.status,
      edits,
      isOnline,
      newestBurst: log.newest,
      isEmpty: document.doc.store.clients.size === 0,
    })
    const status = this.#part('status')
    if (status.dataset.kind !== words.kind) {
      status.dataset.kind = words.kind
      // Only when it matters, not at every letter.
      if (words.kind !== 'saving') this.#write('announcement', `${this.name}: ${words.headline}`)
    }
    this.#write('headline', words.headline)
    this.#write('detail', words.detail)
    this.#part('online').setAttribute('aria-checked', String(isOnline))
    this.#write('online-label', isOnline ? 'Online' : 'Offline')
    this.#section.dataset.online = String(isOnline)
    this.#part('sync').setAttribute('aria-busy', String(device.isSyncing))
    if (log.newest !== null && log.newest !== this.#newestShown) this.#addRow(log.newest)
  }

  #addRow(record: BurstRecord): void {
    this.#newestShown = record
    const row = document.createElement('tr')
    const { startedAt, connectedMs, bytesSent, bytesReceived, entriesPushed, entriesPulled, problem } = record
    const entries = [entriesPushed > 0 ? `${entriesPushed} up` : '', entriesPulled > 0 ? `${entriesPulled} down` : '']
    const cells = [
      clockWords(startedAt),
      connectedMs === 0 ? 'not at all' : durationWords(connectedMs),
      bytesWords(bytesSent),
      bytesWords(bytesReceived),
      problem === null ? entries.filter((words) => words !== '').join(', ') || 'nothing new' : problem.message,
    ]
    for (const text of cells) row.insertCell().textContent = text
    const rows = this.#part('rows')
    rows.prepend(row)
    while (rows.childElementCount > ROWS_MAX) rows.lastElementChild?.remove()
  }

  #showFailure(error: Error): void {
    this.#part('status').dataset.kind = 'trouble'
    this.#write('headline', 'This device could not open its store')
    this.#write('detail', error.message)
    this.#write('announcement', `${this.name}: ${error.message}`)
    for (const name of ['online', 'sync']) this.#part(name).setAttribute('disabled', '')
  }

  #part(name: string): HTMLElement {
    const part = this.#section.querySelector<HTMLElement>(`[data-part="${name}"]`)
    if (part === null) throw new Error(`the template of a device has no part ${name}`)
    return part
  }

  #write(name: string, text: string): void {
    const part = this.#part(name)
    if (part.textContent !== text) part.textContent = text
  }
}

function lower(name: string): string {
  return name.toLowerCase()
}

// One device on the page: its editor, switches, status and timeline. Shows what the device says, and asks it for nothing else.
import type { SyncProgress } from '@tidemark/client'
import type { Doc } from 'yjs'
import type { BurstRecord } from './burst-log.ts'
import { Device } from './device.ts'
import { mountEditor } from './editor.ts'
import { agoWords, bytesWords, clockWords, durationWords, shareWords } from './number-words.ts'
import { helpWords, relayTroubleWords } from './problem-words.ts'
import { RELAYS } from './relays.ts'
import { Timeline } from './timeline.ts'
import { type StatusWords, statusWords } from './words.ts'

export interface PanelOptions {
  /** Of the device's store. */
  readonly storeName: string
  readonly name: string
  readonly placeholder: string
  readonly isEncrypted: boolean
}

const ROWS_MAX = 12
/** They do nothing until the device's store is open. */
const CONTROLS = ['online', 'key', 'sync']

export class Panel {
  readonly name: string
  #device: Device | null = null
  readonly #section: HTMLElement
  readonly #timeline: Timeline
  readonly #openedAt: number = performance.now()
  readonly #placeholder: string
  #isEncrypted: boolean
  #docShown: Doc | null = null
  #announced = ''
  #newestShown: BurstRecord | null = null
  #unmountEditor: () => void = () => undefined

  constructor(parent: HTMLElement, options: PanelOptions) {
    this.name = options.name
    this.#placeholder = options.placeholder
    this.#isEncrypted = options.isEncrypted
    const template = document.querySelector<HTMLTemplateElement>('#device-template')
    if (template === null) throw new Error('the page has no template for a device')
    this.#section = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement
    this.#section.setAttribute('aria-label', options.name)
    this.#section.dataset.device = options.storeName
    parent.append(this.#section)
    this.#part('name').textContent = options.name
    this.#timeline = new Timeline(this.#part('chart'), `The ${lower(options.name)}’s bursts in the last minute`)
    this.#start(options.storeName).catch((error: Error) => this.#showFailure(error))
  }

  /** Null until its store is open. */
  get device(): Device | null {
    return this.#device
  }

  /** Shows the text that is encrypted, or the one that is not. */
  setEncrypted(isEncrypted: boolean): void {
    this.#isEncrypted = isEncrypted
    this.#show()
    this.#device?.setEncrypted(isEncrypted).catch((error: Error) => this.#showFailure(error))
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

  async #start(storeName: string): Promise<void> {
    const device = await Device.start(storeName, this.#isEncrypted, () => this.#show())
    this.#device = device
    this.#part('online').addEventListener('click', () => device.setOnline(!device.isOnline))
    this.#part('key').addEventListener('click', () => device.setHasKey(!device.hasKey))
    this.#part('sync').addEventListener('click', () => void device.sync())
    for (const name of CONTROLS) this.#part(name).removeAttribute('disabled')
    this.#show()
    // The switch may have been turned since.
    await device.setEncrypted(this.#isEncrypted)
  }

  #show(): void {
    const device = this.#device
    if (device === null) return
    const { document, edits, isOnline, relays, log } = device
    this.#showText(document.doc)
    const progress = device.longProgress
    const words = statusWords({
      status: document.status,
      edits,
      isOnline,
      relays,
      progress,
      isEmpty: document.doc.store.clients.size === 0,
    })
    const status = this.#part('status')
    status.dataset.kind = words.kind
    // Only when it matters: not at every letter, nor at every step of a burst.
    const isBusy = words.kind === 'saving' || device.isSyncing || document.status.activity === 'syncing'
    const matter = matterOf(words)
    if (matter !== this.#announced && !isBusy) {
      this.#announced = matter
      this.#write('announcement', announcementOf(this.name, words))
    }
    this.#write('headline', words.headline)
    this.#write('detail', words.detail)
    this.#showProgress(progress)
    this.#showSwitches(device)
    this.#section.dataset.online = String(isOnline)
    this.#part('sync').setAttribute('aria-busy', String(device.isSyncing))
    if (log.newest !== null && log.newest !== this.#newestShown) this.#addRow(log.newest)
  }

  /** Another document, or the same one built anew, takes another editor. */
  #showText(doc: Doc): void {
    if (doc === this.#docShown) return
    this.#docShown = doc
    this.#unmountEditor()
    const options = { label: `Text on the ${lower(this.name)}`, placeholder: this.#placeholder }
    this.#unmountEditor = mountEditor(this.#part('editor'), doc, options)
  }

  #showProgress(progress: SyncProgress | null): void {
    const bar = this.#part('progress') as HTMLProgressElement
    bar.hidden = progress === null
    if (progress === null) return
    bar.max = Math.max(1, progress.bytesTotal)
    bar.value = progress.bytesDone
  }

  #showSwitches({ isOnline, hasKey }: Device): void {
    this.#part('online').setAttribute('aria-checked', String(isOnline))
    this.#write('online-label', isOnline ? 'Online' : 'Offline')
    this.#part('key').hidden = !this.#isEncrypted
    this.#part('key').setAttribute('aria-checked', String(hasKey))
    this.#write('key-label', hasKey ? 'Key' : 'No key')
  }

  #addRow(record: BurstRecord): void {
    this.#newestShown = record
    const row = document.createElement('tr')
    const { startedAt, connectedMs, bytesSent, bytesReceived } = record
    const cells = [
      clockWords(startedAt),
      connectedMs === 0 ? 'not at all' : durationWords(connectedMs),
      bytesWords(bytesSent),
      bytesWords(bytesReceived),
      outcomeWords(record),
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
    for (const name of CONTROLS) this.#part(name).setAttribute('disabled', '')
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

/** Without what counts up at every letter. */
function matterOf({ kind, headline, detail }: StatusWords): string {
  return kind === 'relay' || kind === 'partly' ? `${headline}. ${detail}` : `${kind}: ${detail}`
}

/** What is wrong is said whole. */
function announcementOf(name: string, { kind, headline, detail }: StatusWords): string {
  return kind === 'trouble' || kind === 'partly' ? `${name}: ${headline}. ${detail}` : `${name}: ${headline}`
}

function outcomeWords({ entriesPushed, entriesPulled, problem, isComplete }: BurstRecord): string {
  const up = entriesPushed > 0 ? [`${entriesPushed} up`] : []
  const down = entriesPulled > 0 ? [`${entriesPulled} down`] : []
  const moved = [...up, ...down].join(', ') || 'nothing new'
  if (problem === null) return moved
  const relay = RELAYS.find(({ url }) => url === problem.relay)
  const trouble = relay === undefined ? helpWords(problem) : relayTroubleWords(relay.name, problem)
  return isComplete ? `${moved}. ${trouble}` : trouble
}

function lower(name: string): string {
  return name.toLowerCase()
}

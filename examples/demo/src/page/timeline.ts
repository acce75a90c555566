// The last minute of one device, drawn to scale: a thin line where nothing is connected, and each burst on it.
import type { BurstRecord, OfflineSpan } from './burst-log.ts'
import { burstWords, clockWords } from './number-words.ts'

const SVG = 'http://www.w3.org/2000/svg'
const WINDOW_MS = 60_000
const HEIGHT = 94
const BASELINE = 40
const BAR_HEIGHT_MAX = 32
const BAR_HEIGHT_MIN = 3
/** Bytes that fill a bar; the height grows with the logarithm. */
const BYTES_FULL = 100_000
/** A burst of 10 ms is a hundredth of a pixel wide at this scale, and would not be seen. */
const BAR_WIDTH_MIN = 2
const TICKS_S = [60, 45, 30, 15, 0]

export class Timeline {
  readonly #svg: SVGSVGElement
  readonly #moving: SVGGElement
  readonly #ticks: SVGGElement
  readonly #originAt: number = Date.now()
  #width = 0
  #drawn: { readonly records: readonly BurstRecord[]; readonly spans: number } = { records: [], spans: 0 }

  constructor(parent: HTMLElement, label: string) {
    this.#svg = element('svg', { class: 'timeline-drawing', height: HEIGHT, role: 'img', 'aria-label': label })
    this.#moving = element('g', {})
    this.#ticks = element('g', { class: 'ticks' })
    const baseline = element('line', { class: 'baseline', x1: 0, x2: '100%', y1: BASELINE, y2: BASELINE })
    this.#svg.append(baseline, this.#ticks, this.#moving)
    parent.append(this.#svg)
    new ResizeObserver(() => this.#resize()).observe(parent)
    this.#resize()
  }

  /** Moves everything to where it is at `now`; draws anew only what changed. */
  draw(records: readonly BurstRecord[], spans: readonly OfflineSpan[], now: number): void {
    const openSpan = spans.at(-1)?.to === null
    if (records !== this.#drawn.records || spans.length !== this.#drawn.spans || openSpan) {
      this.#drawn = { records, spans: openSpan ? -1 : spans.length }
      const recent = records.filter(({ startedAt }) => startedAt > now - 2 * WINDOW_MS)
      this.#moving.replaceChildren(
        ...spans.map((span) => this.#offline(span, now)),
        ...recent.map((record) => this.#burst(record)),
      )
    }
    this.#moving.setAttribute('transform', `translate(${(this.#width - this.#x(now)).toFixed(2)} 0)`)
  }

  #resize(): void {
    const width = this.#svg.parentElement?.clientWidth ?? 0
    if (width === this.#width) return
    this.#width = width
    this.#svg.setAttribute('width', String(width))
    this.#drawn = { records: [], spans: -1 }
    this.#ticks.replaceChildren(...TICKS_S.flatMap((seconds) => this.#tick(seconds)))
  }

  #x(at: number): number {
    return ((at - this.#originAt) / WINDOW_MS) * this.#width
  }

  #tick(seconds: number): SVGElement[] {
    const x = this.#width * (1 - seconds / (WINDOW_MS / 1_000))
    const anchor = seconds === 0 ? 'end' : x === 0 ? 'start' : 'middle'
    const label = element('text', { x, y: HEIGHT - 4, 'text-anchor': anchor })
    label.textContent = seconds === 0 ? 'now' : seconds === 60 ? '1 min ago' : `${seconds} s`
    return [element('line', { x1: x, x2: x, y1: BASELINE - 3, y2: BASELINE + 3 }), label]
  }

  #offline({ from, to }: OfflineSpan, now: number): SVGElement {
    const x = this.#x(from)
    const width = Math.max(0, this.#x(to ?? now) - x)
    const span = element('rect', { class: 'offline', x, y: 4, width, height: 2 * (BASELINE - 4) })
    span.append(title(`Offline from ${clockWords(from)}${to === null ? '' : ` to ${clockWords(to)}`}`))
    return span
  }

  #burst(record: BurstRecord): SVGElement {
    const group = element('g', { class: record.problem === null || record.isComplete ? 'burst' : 'burst failed' })
    const x = this.#x(record.startedAt)
    const width = Math.max(BAR_WIDTH_MIN, (record.connectedMs / WINDOW_MS) * this.#width)
    group.append(title(`${clockWords(record.startedAt)}: ${burstWords(record)}`))
    // A wide place to point at.
    group.append(element('rect', { class: 'target', x: x - 5, y: 0, width: width + 10, height: 2 * BASELINE }))
    if (record.connectedMs === 0) {
      group.append(element('circle', { class: 'unanswered', cx: x, cy: BASELINE, r: 3.5 }))
      return group
    }
    const [up, down] = [barHeight(record.bytesSent), barHeight(record.bytesReceived)]
    group.append(
      element('rect', { class: 'up', x, y: BASELINE - 1 - up, width, height: up }),
      element('rect', { class: 'down', x, y: BASELINE + 1, width, height: down }),
    )
    return group
  }
}

function barHeight(bytes: number): number {
  if (bytes === 0) return 0
  const share = Math.min(1, Math.log10(bytes) / Math.log10(BYTES_FULL))
  return BAR_HEIGHT_MIN + (BAR_HEIGHT_MAX - BAR_HEIGHT_MIN) * share
}

function title(text: string): SVGElement {
  const node = element('title', {})
  node.textContent = text
  return node
}

function element<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[Name] {
  const node = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value))
  return node
}

// The page: two devices that share nothing but the relay, and what the relay sees of them.
import { Panel } from './panel.ts'
import { bytesWords } from './words.ts'

const devices = part('devices')
const panels = [
  new Panel(devices, {
    storeName: 'demo-left',
    name: 'Laptop',
    placeholder: 'Write something here…',
  }),
  new Panel(devices, {
    storeName: 'demo-right',
    name: 'Phone',
    placeholder: '…and it comes ashore here with the next burst.',
  }),
]

// Time passes on the drawing; where motion is unwelcome it advances once a second.
const stillness = matchMedia('(prefers-reduced-motion: reduce)')
let shownAt = 0
requestAnimationFrame(function frame(now: number): void {
  if (!stillness.matches || now - shownAt >= 1_000) {
    shownAt = now
    for (const panel of panels) panel.tick()
    showRelay()
  }
  requestAnimationFrame(frame)
})

function showRelay(): void {
  const connected = panels.filter(({ device }) => (device?.connections ?? 0) > 0)
  const who = connected.map(({ name }) => name.toLowerCase()).join(' and the ')
  write('relay-now', who === '' ? 'Nobody is connected' : `Connected: the ${who}`)
  part('relay-light').dataset.on = String(connected.length > 0)
  const sums = panels.map(({ device }) => device?.log.sums)
  const sum = (name: 'bursts' | 'bytesSent' | 'bytesReceived'): number =>
    sums.reduce((total, one) => total + (one?.[name] ?? 0), 0)
  const bursts = `${sum('bursts')} ${sum('bursts') === 1 ? 'burst' : 'bursts'}`
  write('relay-sums', `${bursts}, ${bytesWords(sum('bytesSent') + sum('bytesReceived'))} since this page was opened`)
}

function part(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found
}

function write(id: string, text: string): void {
  const element = part(id)
  if (element.textContent !== text) element.textContent = text
}

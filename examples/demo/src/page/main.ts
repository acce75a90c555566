// The page: two devices that share nothing but the relays and a key, the switches between them, and what the relays see.
import type { Device } from './device.ts'
import { bytesWords } from './number-words.ts'
import { Panel } from './panel.ts'
import { RelaySwitches } from './relay-switches.ts'

const ENCRYPTED_KEY = 'demo:encrypted'

const devices = part('devices')
const isEncryptedAtStart = localStorage.getItem(ENCRYPTED_KEY) === 'true'
const laptop = new Panel(devices, {
  storeName: 'demo-left',
  name: 'Laptop',
  placeholder: 'Write something here…',
  isEncrypted: isEncryptedAtStart,
})
devices.append(part('middle'))
const phone = new Panel(devices, {
  storeName: 'demo-right',
  name: 'Phone',
  placeholder: '…and it comes ashore here with the next burst.',
  isEncrypted: isEncryptedAtStart,
})
const panels = [laptop, phone]
const running = (): readonly Device[] => panels.flatMap(({ device }) => device ?? [])

// Whoever is online calls at once, and sees what became of the relay.
const relays = new RelaySwitches(() => {
  for (const device of running()) if (device.isOnline) void device.sync()
})

showEncrypted(isEncryptedAtStart)
part('encrypted').addEventListener('click', () => {
  const isEncrypted = part('encrypted').getAttribute('aria-checked') !== 'true'
  localStorage.setItem(ENCRYPTED_KEY, String(isEncrypted))
  setEncrypted(isEncrypted)
})
// The other tabs of this page are the same devices.
addEventListener('storage', ({ key, newValue }) => {
  if (key === ENCRYPTED_KEY) setEncrypted(newValue === 'true')
})

// Time passes on the drawing; where motion is unwelcome it advances once a second.
const stillness = matchMedia('(prefers-reduced-motion: reduce)')
let shownAt = 0
requestAnimationFrame(function frame(now: number): void {
  if (!stillness.matches || now - shownAt >= 1_000) {
    shownAt = now
    for (const panel of panels) panel.tick()
    relays.tick(running())
    showRelay()
  }
  requestAnimationFrame(frame)
})

function setEncrypted(isEncrypted: boolean): void {
  showEncrypted(isEncrypted)
  for (const panel of panels) panel.setEncrypted(isEncrypted)
}

function showEncrypted(isEncrypted: boolean): void {
  part('encrypted').setAttribute('aria-checked', String(isEncrypted))
  write('encrypted-label', isEncrypted ? 'Encrypted' : 'Not encrypted')
  write(
    'encrypted-note',
    isEncrypted
      ? 'The relays cannot read what is sent from now on. What they were given before stays as it was.'
      : 'The relays could read the text.',
  )
}

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

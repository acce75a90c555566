// What React Native adds to Hermes and the SDK needs, for the command-line VM, which has only `print` and timers: as little of it
// as does. Random bytes are not random here, and time is what timers make of it: those of the VM do not wait.
globalThis.say = print
globalThis.crypto = {
  getRandomValues(bytes) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(Math.random() * 256)
    return bytes
  },
}
const callLater = globalThis.setTimeout
const timers = []
let nowMs = 0
let timersMade = 0
globalThis.setTimeout = (callback, delayMs) => {
  const id = ++timersMade
  timers.push({ id, atMs: nowMs + delayMs, callback })
  callLater(runNextTimer, 0)
  return id
}
globalThis.clearTimeout = (id) => {
  const index = timers.findIndex((timer) => timer.id === id)
  if (index >= 0) timers.splice(index, 1)
}
function runNextTimer() {
  timers.sort((one, other) => one.atMs - other.atMs || one.id - other.id)
  const timer = timers.shift()
  if (timer === undefined) return
  nowMs = timer.atMs
  timer.callback()
}
globalThis.TextEncoder = class TextEncoder {
  encode(text) {
    const escaped = encodeURIComponent(text)
    const bytes = []
    for (let i = 0; i < escaped.length; i++) {
      if (escaped[i] !== '%') bytes.push(escaped.charCodeAt(i))
      else {
        bytes.push(Number.parseInt(escaped.slice(i + 1, i + 3), 16))
        i += 2
      }
    }
    return Uint8Array.from(bytes)
  }
}
globalThis.TextDecoder = class TextDecoder {
  decode(bytes) {
    return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''))
  }
}

// Two devices that take turns at one document: each pushes 300 fresh bytes and is given the one entry that the other
// pushed before. So every burst is alike, for as long as one likes, and each answer is checked to be just that.
import { createHash, randomBytes } from 'node:crypto'
import { decodeMessage, encodeFrames, LIMITS_AFTER_WELCOME, PROTOCOL_VERSION, pushIdOf } from '@tidemark/protocol'

export const PAYLOAD_BYTES = 300
const FORMAT = 1
const NOTHING = new Uint8Array(0)
const END = { type: 'END' }
const sha256 = (bytes) => createHash('sha256').update(bytes).digest()

export class DocumentTurns {
  #documentId
  #token
  #incarnation = NOTHING
  /** The device whose turn it is comes first. */
  #devices = [newDevice(), newDevice()]
  #bursts = 0

  constructor(documentId, token) {
    this.#documentId = documentId
    this.#token = token
  }

  /** The whole message of the next burst, and what takes the answer. */
  next() {
    const device = this.#devices[0]
    const payload = randomBytes(PAYLOAD_BYTES)
    const pushId = pushIdOf(sha256, FORMAT, payload)
    const message = encodeFrames([
      {
        type: 'HELLO',
        versionMax: PROTOCOL_VERSION,
        versionMin: PROTOCOL_VERSION,
        deviceId: device.id,
        token: this.#token,
        receiveWindowBytes: 1_048_576,
        clientName: 'bench',
      },
      {
        type: 'OPEN',
        channel: 1,
        documentId: this.#documentId,
        pull: true,
        push: true,
        linger: false,
        create: false,
        reseeding: false,
        incarnation: this.#incarnation,
        mark: device.mark,
        receipt: device.receipt,
        claim: null,
        partial: null,
      },
      { type: 'PUSH', channel: 1, pushId, format: FORMAT, total: PAYLOAD_BYTES, offset: 0, bytes: payload },
      END,
    ])
    return { message, take: (answer) => this.#take(answer, device, pushId) }
  }

  /** @throws Error if the answer, one message, is anything but the ACK and the other device's entry. */
  #take(answer, device, pushId) {
    const decoded = decodeMessage(answer, LIMITS_AFTER_WELCOME)
    if (!decoded.ok) throw new Error(decoded.message)
    const found = Object.fromEntries(decoded.frames.map((frame) => [frame.type, frame]))
    const { OPENED: opened, ACK: ack, ENTRIES: entries, SYNCED: synced, DONE: done } = found
    const given = entries?.entries.length ?? 0
    const expected = Math.min(this.#bursts, 1)
    if (!ack || !synced || !done || done.more || given !== expected || Buffer.compare(ack.pushId, pushId) !== 0) {
      throw new Error(`Burst ${this.#bursts} on ${this.#documentId} was answered ${JSON.stringify(decoded.frames)}`)
    }
    this.#incarnation = opened.incarnation.slice()
    device.mark = synced.mark.slice()
    device.receipt = ack.receipt.slice()
    this.#devices.reverse()
    this.#bursts += 1
    return true
  }
}

function newDevice() {
  return { id: randomBytes(16), mark: NOTHING, receipt: NOTHING }
}

// As much of a relay as two devices need to meet where nothing but a bare JavaScript engine runs: logs in memory, no grants, no
// snapshots, nothing durable. Gives that engine the global WebSocket that program.ts expects.
import {
  ANNOUNCED_LIMITS,
  decodeMessage,
  type Entry,
  encodeFrames,
  type Frame,
  LIMITS_AFTER_WELCOME,
  type Open,
  type Push,
} from '@tidemark/protocol'

const logs = new Map<string, Entry[]>()

class TinyWebSocket {
  binaryType = ''
  onopen: (() => void) | null = null
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null

  constructor() {
    setTimeout(() => this.onopen?.(), 0)
  }

  send(bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes, LIMITS_AFTER_WELCOME)
    if (!decoded.ok) throw new Error(decoded.message)
    const answer = encodeFrames(answerTo(decoded.frames)).slice().buffer
    setTimeout(() => this.onmessage?.({ data: answer as ArrayBuffer }), 0)
  }

  close(): void {
    setTimeout(() => this.onclose?.({ code: 1000, reason: '' }), 0)
  }
}

function answerTo(frames: readonly Frame[]): readonly Frame[] {
  const answers: Frame[] = []
  for (const frame of frames) {
    if (frame.type === 'HELLO') {
      const limits = { ...ANNOUNCED_LIMITS }
      answers.push({ type: 'WELCOME', version: 1, epoch: new Uint8Array(16), limits, relayTimeMs: 0 })
    }
    if (frame.type === 'OPEN') answers.push(...serve(frame, frames))
    if (frame.type === 'FEED') {
      const mark = new Uint8Array(0)
      answers.push({ type: 'FEED_PAGE', vault: frame.vault, status: 'OK', documents: [], mark, more: false })
    }
  }
  return [...answers, { type: 'DONE', more: false, returnAfterMs: 0 }]
}

function serve({ channel, documentId, mark }: Open, frames: readonly Frame[]): readonly Frame[] {
  const status = logs.has(documentId) ? 'OK' : 'NEW'
  const log = logs.get(documentId) ?? []
  const pushes = frames.filter((frame): frame is Push => frame.type === 'PUSH' && frame.channel === channel)
  const entries = log.slice(mark[0] ?? 0)
  for (const { pushId, format, total, bytes } of pushes) {
    log.push({ pushId: pushId.slice(), format, total, offset: 0, bytes: bytes.slice() })
  }
  if (log.length > 0) logs.set(documentId, log)
  const head = Uint8Array.of(log.length)
  const incarnation = new Uint8Array(log.length > 0 ? 16 : 0)
  const advice = { urgency: 'NONE', claimWanted: false, turn: 'NONE', turnWaitMs: 0 } as const
  const toCome = { entriesToCome: entries.length, bytesToCome: 0, generation: new Uint8Array(8) }
  const given: Frame[] = entries.length > 0 ? [{ type: 'ENTRIES', channel, entries }] : []
  return [
    { type: 'OPENED', channel, status, incarnation, ...toCome, ...advice },
    ...given,
    ...pushes.map(({ pushId }): Frame => ({ type: 'ACK', channel, pushId, receipt: head })),
    { type: 'SYNCED', channel, mark: head, tag: new Uint8Array(8), confirmed: false, otherDevices: 0 },
  ]
}

Object.assign(globalThis, { WebSocket: TinyWebSocket })

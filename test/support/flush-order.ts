// Reads what strace saw of a relay, and holds it to the promise: no ACK leaves before the flush of what it acknowledges.
import { decodeMessage, LIMITS_AFTER_WELCOME } from '@tidemark/protocol'

/** For `strace -f`: system calls with times, durations, file names, and all bytes in hex. */
export const STRACE_OPTIONS: readonly string[] = [
  '-D', // The traced program is the child itself, and takes its signals.
  '-f',
  '-y',
  '-ttt',
  '-T',
  '-xx',
  '-s',
  '1000000',
  '-e',
  'trace=pwrite64,pwritev,writev,write,sendmsg,fdatasync,fsync',
]

export interface Call {
  readonly name: string
  /** What the descriptor stands for: a path, or `TCP:[…]`. */
  readonly target: string
  readonly bytes: Buffer
  /** Such as EIO; empty where it succeeded. */
  readonly error: string
  /** Seconds since 1970. */
  readonly beganAt: number
  readonly endedAt: number
}

export interface OrderReport {
  readonly acknowledgements: number
  /** One sentence for each ACK that left too early. */
  readonly violations: readonly string[]
}

export function parseTrace(text: string): readonly Call[] {
  const calls: Call[] = []
  const unfinished = new Map<string, { readonly head: string; readonly beganAt: number }>()
  for (const line of text.split('\n')) {
    const [, pid, time, rest] = /^(\d+)\s+(\d+\.\d+) (.*)$/s.exec(line) ?? []
    if (pid === undefined || time === undefined || rest === undefined) continue
    const at = Number(time)
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(pid, { head: rest, beganAt: at })
    } else if (rest.startsWith('<... ')) {
      const begun = unfinished.get(pid)
      unfinished.delete(pid)
      if (begun !== undefined) calls.push(toCall(begun.head + rest, begun.beganAt, at))
    } else if (/^\w+\(/.test(rest)) {
      calls.push(toCall(rest, at, at + Number(/<(\d+\.\d+)>$/.exec(rest)?.[1] ?? 0)))
    }
  }
  return calls
}

export function checkFlushOrder(calls: readonly Call[]): OrderReport {
  const isStore = ({ target }: Call): boolean => target.endsWith('/data.mdb')
  const writes = calls.filter((call) => /^p?writev?(64)?$/.test(call.name) && isStore(call))
  const flushes = calls.filter(({ name, error }) => (name === 'fdatasync' || name === 'fsync') && error === '')
  const violations: string[] = []
  let acknowledgements = 0
  for (const sent of calls) {
    if (!/^(write|writev|sendmsg)$/.test(sent.name) || !/TCP|socket/.test(sent.target)) continue
    for (const pushId of acknowledgedIn(sent.bytes)) {
      acknowledgements++
      const name = pushId.toString('hex')
      const written = writes.find(({ bytes }) => bytes.includes(pushId))
      if (written === undefined) violations.push(`${name} was acknowledged and never written`)
      else if (!flushes.some((flush) => flush.beganAt >= written.endedAt && flush.endedAt <= sent.beganAt)) {
        violations.push(`${name} was acknowledged before the flush that followed its write had ended`)
      }
    }
  }
  return { acknowledgements, violations }
}

function toCall(text: string, beganAt: number, endedAt: number): Call {
  const [, name = '', target = ''] = /^(\w+)\(\d+(?:<((?:[^>\\]|\\.)*)>)?/.exec(text) ?? []
  const bytes = [...text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => {
    return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
  })
  const [, error = ''] = /= -1 (E\w+)/.exec(text) ?? []
  return { name, target: decodeName(target), bytes: Buffer.concat(bytes), error, beganAt, endedAt }
}

/** With -xx the names of files are in hex too. */
function decodeName(name: string): string {
  return name.replaceAll(/\\x([0-9a-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Push ids in the ACK frames of unmasked WebSocket messages (RFC 6455, section 5.2). */
function acknowledgedIn(bytes: Buffer): readonly Buffer[] {
  const BINARY = 0x82
  if (bytes[0] !== BINARY || bytes[1] === undefined) return []
  const short = bytes[1] & 0x7f
  const [start, length] = short === 126 ? [4, bytes.readUInt16BE(2)] : [2, short]
  const decoded = decodeMessage(bytes.subarray(start, start + length), LIMITS_AFTER_WELCOME)
  if (!decoded.ok) return []
  return decoded.frames.flatMap((frame) => (frame.type === 'ACK' ? [Buffer.from(frame.pushId)] : []))
}

// Numbers for people: times, sizes and shares. Pure.
import type { BurstRecord } from './burst-log.ts'

export function burstWords({ connectedMs, bytesSent, bytesReceived, problem, isComplete }: BurstRecord): string {
  if (connectedMs === 0) return 'no connection'
  const moved = `${durationWords(connectedMs)}, ${bytesWords(bytesSent)} up, ${bytesWords(bytesReceived)} down`
  return problem === null ? moved : `${moved}, ${isComplete ? 'not with every relay' : 'not everything'}`
}

/** Time of day, to the second. */
export function clockWords(at: number): string {
  return new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}

export function durationWords(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  return `${(ms / 1_000).toFixed(1)} s`
}

export function bytesWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

export function agoWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 1) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  return `${Math.floor(seconds / 60)} min ago`
}

/** Of the time, with two digits that mean something. */
export function shareWords(share: number): string {
  const percent = 100 * share
  if (percent === 0) return '0 %'
  if (percent < 0.01) return 'under 0.01 %'
  return `${percent < 1 ? percent.toFixed(2) : percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`
}

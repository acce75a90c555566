// What the page says, in a writer's words. Pure: values in, sentences out.
import type { DocumentStatus } from '@tidemark/client'
import type { BurstRecord } from './burst-log.ts'

export interface Situation {
  readonly status: DocumentStatus
  readonly isOnline: boolean
  readonly edits: { readonly count: number; readonly areAll: boolean }
  readonly newestBurst: BurstRecord | null
  /** Nothing was ever written, here or elsewhere. */
  readonly isEmpty: boolean
}

export interface StatusWords {
  readonly kind: 'nothing' | 'saving' | 'device' | 'relay' | 'trouble'
  readonly headline: string
  readonly detail: string
}

/** Where the writer's work is, and what comes next. */
export function statusWords(situation: Situation): StatusWords {
  const { status, isOnline, newestBurst, isEmpty } = situation
  const { safety, activity, problem } = status
  const unsent = unsentWords(situation)
  if (problem !== null && (activity === 'stuck' || problem.code.startsWith('STORE'))) {
    return { kind: 'trouble', headline: unsent ?? 'This device needs help', detail: problem.message }
  }
  if (safety === 'unsaved')
    return { kind: 'saving', headline: 'Saving on this device…', detail: 'It takes an instant.' }
  const isUnreachable = isOnline && newestBurst !== null && newestBurst.problem !== null
  if (unsent !== null) {
    const headline = isOnline ? unsent : `Offline: ${unsent.replace('Edits', 'edits')}`
    if (isUnreachable)
      return { kind: 'trouble', headline, detail: 'The relay does not answer. Safe here; trying again.' }
    const next = isOnline ? 'goes to the relay in a moment' : 'goes out as soon as this device is online'
    return { kind: 'device', headline, detail: `Safe here; ${next}.` }
  }
  const kind = isEmpty ? 'nothing' : 'relay'
  const headline = isEmpty ? 'Nothing written yet' : 'Everything is on the relay'
  if (!isOnline) return { kind, headline, detail: 'Offline. Write on: every word is kept on this device.' }
  if (isUnreachable) return { kind, headline, detail: 'The relay does not answer. Trying again.' }
  const detail = isEmpty
    ? 'Whatever you write goes to the relay when you pause.'
    : status.safety === 'confirmed'
      ? 'Flushed to its disk, kept here, and on another device too.'
      : 'Flushed to its disk, and kept here as well.'
  return { kind, headline, detail }
}

/** Null: no edit is here alone. */
function unsentWords({ status, edits }: Situation): string | null {
  if (status.unsentSince === null || status.safety === 'on-relay' || status.safety === 'confirmed') return null
  const since = new Date(status.unsentSince).toLocaleTimeString(undefined, { hour: 'numeric', minute: '2-digit' })
  const count = !edits.areAll || edits.count === 0 ? 'Edits' : edits.count === 1 ? '1 edit' : `${edits.count} edits`
  return `${count} only on this device since ${since}`
}

export function burstWords({ connectedMs, bytesSent, bytesReceived, problem }: BurstRecord): string {
  if (connectedMs === 0) return 'no connection'
  const moved = `${durationWords(connectedMs)}, ${bytesWords(bytesSent)} up, ${bytesWords(bytesReceived)} down`
  return problem === null ? moved : `${moved}, cut short`
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

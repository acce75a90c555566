// What the page says of a device, in a writer's words. Pure: values in, sentences out.
import type { DocumentStatus, SyncProgress } from '@tidemark/client'
import { bytesWords } from './number-words.ts'
import { helpWords, relayTroubleWords } from './problem-words.ts'

export interface Situation {
  readonly status: DocumentStatus
  readonly isOnline: boolean
  readonly edits: { readonly count: number; readonly areAll: boolean }
  readonly relays: readonly RelaySituation[]
  /** Of a burst that takes long; null: there is none. */
  readonly progress: SyncProgress | null
  /** Nothing was ever written, here or elsewhere. */
  readonly isEmpty: boolean
}

export interface RelaySituation {
  readonly name: string
  /** Everything is flushed there. */
  readonly hasAll: boolean
  readonly problem: DocumentStatus['problem']
}

export interface StatusWords {
  /** partly: one relay has everything, and another one has a problem. */
  readonly kind: 'nothing' | 'saving' | 'device' | 'partly' | 'relay' | 'trouble'
  readonly headline: string
  readonly detail: string
}

interface Trouble {
  readonly words: string
  /** It is tried again, and may pass by itself. */
  readonly isPassing: boolean
}

/** Where the writer's work is, what is wrong and what helps, and what comes next. */
export function statusWords(situation: Situation): StatusWords {
  const { status, isOnline, isEmpty, relays, progress } = situation
  const { safety, problem } = status
  const unsent = unsentWords(situation)
  if (problem !== null && isOfDevice(problem)) {
    const headline = safety === 'unsaved' ? 'The newest words are not stored' : (unsent ?? HEADLINES[problem.action])
    return { kind: 'trouble', headline: headline ?? 'This device needs help', detail: helpWords(problem) }
  }
  if (safety === 'unsaved')
    return { kind: 'saving', headline: 'Saving on this device…', detail: 'It takes an instant.' }
  const trouble = isOnline ? troubleOf(relays) : null
  if (progress !== null) {
    const headline = unsent ?? (isEmpty ? 'Fetching what is there…' : whereWords(relays))
    return { kind: unsent === null ? 'relay' : 'device', headline, detail: progressWords(progress) }
  }
  if (unsent !== null) return unsentStatus(unsent, isOnline, trouble)
  const headline = isEmpty ? 'Nothing written yet' : whereWords(relays)
  const kind = isEmpty ? 'nothing' : 'relay'
  if (!isOnline) return { kind, headline, detail: 'Offline. Write on: every word is kept on this device.' }
  if (trouble !== null)
    return {
      kind: isEmpty ? 'trouble' : 'partly',
      headline,
      detail: trouble.isPassing ? `${trouble.words} Trying again.` : trouble.words,
    }
  const detail = isEmpty
    ? 'Whatever you write goes to the relays when you pause.'
    : safety === 'confirmed'
      ? 'Flushed to disk there, kept here, and on another device too.'
      : 'Flushed to disk there, and kept here as well.'
  return { kind, headline, detail }
}

function unsentStatus(unsent: string, isOnline: boolean, trouble: Trouble | null): StatusWords {
  const headline = isOnline ? unsent : `Offline: ${unsent.replace('Edits', 'edits')}`
  if (trouble !== null) {
    const detail = trouble.isPassing ? `${trouble.words} Safe here; trying again.` : trouble.words
    return { kind: 'trouble', headline, detail }
  }
  const next = isOnline ? 'goes to the relays in a moment' : 'goes out as soon as this device is online'
  return { kind: 'device', headline, detail: `Safe here; ${next}.` }
}

/** It will not pass by itself, or is about this device's own store; not what a single relay has. */
function isOfDevice({ retryable, relay, code }: NonNullable<DocumentStatus['problem']>): boolean {
  return code.startsWith('STORE') || (!retryable && relay === null)
}

/** Where nothing is unsent, so that it need not be said. */
const HEADLINES: Readonly<Record<string, string>> = { 'add-key': 'Some of this text is locked' }

/** Null: no edit is here alone. */
function unsentWords({ status, edits }: Situation): string | null {
  if (status.unsentSince === null || status.safety === 'on-relay' || status.safety === 'confirmed') return null
  const since = new Date(status.unsentSince).toLocaleTimeString(undefined, { hour: 'numeric', minute: '2-digit' })
  const count = !edits.areAll || edits.count === 0 ? 'Edits' : edits.count === 1 ? '1 edit' : `${edits.count} edits`
  return `${count} only on this device since ${since}`
}

function whereWords(relays: readonly RelaySituation[]): string {
  const names = relays.filter(({ hasAll }) => hasAll).map(({ name }) => name)
  if (names.length === relays.length) return 'Everything is on both relays'
  return names.length === 0 ? 'Everything is kept here' : `Everything is on the ${names.join(' and the ')} relay`
}

/** Null: no relay has a problem. */
function troubleOf(relays: readonly RelaySituation[]): Trouble | null {
  const troubled = relays.flatMap(({ name, problem }) => (problem === null ? [] : [{ name, problem }]))
  const [first] = troubled
  if (first === undefined) return null
  const isPassing = troubled.every(({ problem }) => problem.retryable)
  const isOfAll =
    troubled.length === relays.length && troubled.every(({ problem: { code } }) => code === first.problem.code)
  const each = troubled.map(({ name, problem }) => relayTroubleWords(name, problem)).join(' ')
  const ofAll = isPassing ? NEITHER[first.problem.code] : helpWords(first.problem)
  return { words: isOfAll ? (ofAll ?? each) : each, isPassing }
}

const NEITHER: Readonly<Record<string, string>> = {
  OFFLINE: 'Neither relay answers.',
  TIMEOUT: 'Neither relay answers.',
}

function progressWords({ bytesDone, bytesTotal }: SyncProgress): string {
  if (bytesTotal === 0) return 'Calling the relays…'
  return `Under way: ${bytesWords(bytesDone)} of ${bytesWords(bytesTotal)}.`
}

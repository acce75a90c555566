// Is my work safe? What a status says, in a writer's words. Pure: a status in, sentences out.
import type { ProblemAction, SyncStatus, TidemarkError } from '@tidemark/client'

export interface StatusWords {
  /** here: on this device alone. there: elsewhere, too. trouble: it will not get better by itself. */
  readonly kind: 'here' | 'there' | 'trouble'
  readonly headline: string
  readonly detail: string
}

/** `isOnline`: this device has a network, as the browser says. */
export function statusWords(status: SyncStatus, isConnected: boolean, isOnline: boolean): StatusWords {
  const { safety, problem } = status
  const isThere = safety === 'on-relay' || safety === 'confirmed'
  if (problem !== null && problem.action !== 'wait')
    return {
      kind: 'trouble',
      headline: safety === 'unsaved' ? 'Not saved' : HEADLINES[safety],
      detail: helpWords(problem),
    }
  if (!isConnected) {
    const detail = 'Nowhere else yet. Connect your other devices to have it there, too.'
    return { kind: 'here', headline: HEADLINES[safety], detail }
  }
  return {
    kind: isThere ? 'there' : 'here',
    headline: HEADLINES[safety],
    detail: `${nextWords(status, isOnline)}${lastWords(status)}`,
  }
}

const HEADLINES: Readonly<Record<SyncStatus['safety'], string>> = {
  unsaved: 'Saving…',
  'on-device': 'Saved on this device',
  'on-relay': 'Saved and backed up',
  confirmed: 'Saved on your devices',
}

function nextWords(status: SyncStatus, isOnline: boolean): string {
  const { progress, problem, documentsUnsent, unsentSince, safety } = status
  if (progress !== null && progress.documentsTotal > 0)
    return `Syncing, ${progress.documentsDone} of ${progress.documentsTotal}.`
  if (safety === 'unsaved') return 'What you typed last is being saved on this device.'
  const why = problem === null ? null : waitWords(problem, isOnline)
  if (documentsUnsent === 0 || unsentSince === null) {
    if (why !== null) return `${why} Write on: every word is kept on this device.`
    return safety === 'confirmed' ? 'Your other devices have everything.' : 'Your other devices get it when they sync.'
  }
  const since = new Date(unsentSince).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
  const what = `Changes since ${since} are only on this device`
  return why === null ? `${what}, and go out in a moment.` : `${why} ${what}, and go out by themselves.`
}

/** What passes by itself. A writer who is online must not look for the fault in her own network. */
function waitWords({ code }: TidemarkError, isOnline: boolean): string {
  if (!isOnline) return 'You are offline.'
  return code === 'OFFLINE' || code === 'TIMEOUT' ? 'The relay does not answer.' : 'The relay has a bad moment.'
}

function lastWords({ lastSyncedAt }: SyncStatus): string {
  if (lastSyncedAt === null) return ''
  return ` Last synced ${new Date(lastSyncedAt).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}.`
}

/** What the writer can do about what does not pass by itself. */
export function helpWords({ action, message }: TidemarkError): string {
  return HELP[action] ?? `${message}.`
}

const HELP: Readonly<Partial<Record<ProblemAction, string>>> = {
  'renew-token':
    'The relay no longer takes this token. Enter another one; until then, everything stays on this device.',
  'ask-for-access': 'The token does not let you write here. Everything stays on this device.',
  'free-relay-space': 'The relay has no room left for you. Everything stays on this device.',
  'free-device-space': 'This device is full: what you type now is not saved. Make room before you close the page.',
  'add-key': 'Part of the novel is locked. Enter your passphrase to open it.',
  'update-app': 'Another device has a newer version of this app. Close it everywhere on this one, and open it again.',
  'restart-app': 'The storage of this device does not answer. Load the page again.',
  'close-other-app': 'Another tab has the novel open and does not answer. Close it.',
}

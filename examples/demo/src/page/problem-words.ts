// What is wrong and what helps, in a writer's words. Pure. docs/statuses.md says what an app does about each.
import type { ProblemAction, TidemarkError } from '@tidemark/client'

/** Of a problem that does not pass by itself. */
export function helpWords({ action, message }: TidemarkError): string {
  return HELP[action] ?? `${message}.`
}

/** What keeps one relay from having everything: `The second relay does not answer.` */
export function relayTroubleWords(name: string, { code, action }: TidemarkError): string {
  const what =
    code === 'OFFLINE' || code === 'TIMEOUT' ? 'does not answer' : (RELAY_TROUBLES[action] ?? 'has a problem')
  return `The ${name} relay ${what}.`
}

/** Missing: the page that has this problem is broken, and the message is for whoever mends it. */
const HELP: Readonly<Partial<Record<ProblemAction, string>>> = {
  wait: 'It passes by itself.',
  'renew-token': 'You are not let in any more. Load this page anew to sign in.',
  'ask-for-access': 'You may not write here. What you wrote stays on this device.',
  'free-relay-space': 'There is no room left on the relay. What you wrote stays on this device.',
  'free-device-space': 'This device is full: the newest words are not stored. Make room, and do not close this page.',
  'split-document': 'This is more than the relay takes at once. It stays on this device.',
  'add-key': 'The key is not here. Turn it on; nothing is lost.',
  'update-app': 'Another device has a newer version. Load this page anew.',
  'restart-app': 'The store of this device does not work. Load this page anew.',
  'close-other-app': 'Another tab has this device and does not answer. Close it.',
  'forget-or-create': 'Another device deleted this text. What is here stays.',
  'begin-anew': 'This text and that of another device do not fit together. Copy it into a new one.',
}

const RELAY_TROUBLES: Readonly<Partial<Record<ProblemAction, string>>> = {
  wait: 'has a bad moment',
  'renew-token': 'does not let this device in',
  'ask-for-access': 'does not let this device write',
  'free-relay-space': 'is full',
  'split-document': 'does not take so much at once',
  'update-app': 'is newer than this page',
}

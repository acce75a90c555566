// Is my work safe? One word in the corner, and a sentence with what helps where something is wrong.
import type { SyncStatus } from '@tidemark/client'
import { useEffect, useState } from 'react'
import { type StatusWords, statusWords } from './status-words.ts'

/** Saving takes milliseconds: only what lasts longer is worth a word. */
const SAVING_SHOWN_AFTER_MS = 1_000

interface SafetyProps {
  readonly status: SyncStatus
  readonly isConnected: boolean
  readonly isOnline: boolean
  /** Shows more of it, and the connection. */
  readonly open: () => void
}

export function Safety({ status, isConnected, isOnline, open }: SafetyProps) {
  const words = useSteadyWords(status, isConnected, isOnline)
  return (
    <button type="button" className="safety" data-kind={words.kind} onClick={open} title={words.detail}>
      {words.headline}
    </button>
  )
}

/** Where the writer has to do something. */
export function Trouble({ status, isConnected, isOnline, open }: SafetyProps) {
  const { kind, detail } = statusWords(status, isConnected, isOnline)
  if (kind !== 'trouble') return null
  const { action } = status.problem ?? {}
  return (
    <div className="trouble" role="alert">
      <p>{detail}</p>
      {(action === 'add-key' || action === 'renew-token' || action === 'ask-for-access') && (
        <button type="button" onClick={open}>
          Connection…
        </button>
      )}
      {action === 'restart-app' && (
        <button type="button" onClick={() => location.reload()}>
          Load again
        </button>
      )}
    </div>
  )
}

/** The words before, for as long as saving takes no longer than it should. */
function useSteadyWords(status: SyncStatus, isConnected: boolean, isOnline: boolean): StatusWords {
  const now = statusWords(status, isConnected, isOnline)
  const [steady, setSteady] = useState(now)
  const isPassing = status.safety === 'unsaved' && now.kind !== 'trouble'
  useEffect(() => {
    const timer = setTimeout(
      () => setSteady(statusWords(status, isConnected, isOnline)),
      isPassing ? SAVING_SHOWN_AFTER_MS : 0,
    )
    return () => clearTimeout(timer)
  }, [status, isConnected, isOnline, isPassing])
  return isPassing ? steady : now
}

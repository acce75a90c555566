// Where the work is, and the connection to the other devices: a relay, a token, and the passphrase that locks the novel.
import { type SyncStatus, TidemarkError } from '@tidemark/client'
import { type FormEvent, type RefObject, useState } from 'react'
import { type Connection, storeConnection } from './connection.ts'
import { keysOfNovel } from './joining.ts'
import { statusWords } from './status-words.ts'

interface ConnectionDialogProps {
  readonly dialog: RefObject<HTMLDialogElement | null>
  readonly status: SyncStatus
  readonly isOnline: boolean
  readonly connection: Connection | null
  /** Begins anew with what is stored now. */
  readonly connected: () => void
}

export function ConnectionDialog({ dialog, status, isOnline, connection, connected }: ConnectionDialogProps) {
  const { kind, headline, detail } = statusWords(status, connection !== null, isOnline)
  return (
    <dialog ref={dialog} className="connection" aria-labelledby="connection-headline">
      <form method="dialog">
        <button type="submit" className="close" aria-label="Close">
          ×
        </button>
      </form>
      <h2 id="connection-headline" className="safety" data-kind={kind}>
        {headline}
      </h2>
      <p>{detail}</p>
      <ConnectionForm connection={connection} connected={connected} />
    </dialog>
  )
}

function ConnectionForm({ connection, connected }: Pick<ConnectionDialogProps, 'connection' | 'connected'>) {
  const [problem, setProblem] = useState('')
  /** From 0 to 1; null: nothing is under way. */
  const [progress, setProgress] = useState<number | null>(null)

  async function connect(form: FormData): Promise<void> {
    const [relay, token, passphrase] = ['relay', 'token', 'passphrase'].map((name) => String(form.get(name)).trim())
    const wanted = { relay: relay ?? '', token: token ?? '', passphrase: passphrase ?? '' }
    setProblem('')
    setProgress(0)
    try {
      const keys = await keysOfNovel({ ...wanted, onProgress: setProgress })
      storeConnection({ relay: wanted.relay, token: wanted.token, keys })
      connected()
    } catch (error) {
      setProblem(joiningWords(error))
      setProgress(null)
    }
  }

  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    void connect(new FormData(event.currentTarget))
  }

  return (
    <form className="connection-form" onSubmit={submit}>
      <h3>Your other devices</h3>
      <label>
        Relay
        <input
          name="relay"
          type="url"
          required
          // What a password manager files the passphrase under.
          autoComplete="username"
          defaultValue={connection?.relay}
          placeholder="wss://relay.example.org"
        />
      </label>
      <label>
        Token
        <input name="token" required defaultValue={connection?.token} autoComplete="off" spellCheck={false} />
      </label>
      <label>
        Passphrase
        <input name="passphrase" type="password" required autoComplete="current-password" aria-describedby="locks" />
      </label>
      <p id="locks" className="hint">
        The same on all your devices. It locks the novel before it leaves this one; nobody can open it without, nor tell
        you what it was.
      </p>
      {problem !== '' && <p role="alert">{problem}</p>}
      <button type="submit" disabled={progress !== null}>
        {connection === null ? 'Connect' : 'Connect anew'}
      </button>
      {progress !== null && <progress value={progress} aria-label="Making the key" />}
    </form>
  )
}

function joiningWords(error: unknown): string {
  if (!(error instanceof TidemarkError)) throw error
  const { action, code, message } = error
  if (code === 'UNKNOWN_KEY') return `${message}.`
  if (action === 'renew-token') return 'The relay does not take this token.'
  if (action === 'ask-for-access') return 'The token does not let you write here.'
  if (action === 'wait') return 'The relay does not answer. Are you online, and is the address right?'
  return `${message}.`
}

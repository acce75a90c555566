// What a burst did, for the app.
import type { TidemarkError } from './errors.ts'

/** `sync()` rejects only if no relay let us in; else it resolves, and `complete` is the promise. */
export interface SyncReport {
  /** On all relays, for all documents: every edit made before the call is flushed, every newer entry applied and stored. */
  readonly complete: boolean
  readonly stopped: 'budget' | 'signal' | null
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly durationMs: number
  /** What was done of what there was to do, as far as it was known when the burst ended: the rest is left. */
  readonly progress: SyncProgress
  readonly relays: readonly RelayReport[]
}

export interface RelayReport {
  readonly relay: string
  /** Null: no connection was opened. */
  readonly carrier: 'websocket' | 'http' | null
  readonly complete: boolean
  /** Bytes of messages, without what WebSocket, HTTP and TLS add. */
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly error: TidemarkError | null
  /** Only those opened on the wire. */
  readonly documents: readonly DocumentReport[]
}

export interface DocumentReport {
  readonly id: string
  readonly outcome: 'synced' | 'unfinished' | 'failed'
  readonly error: TidemarkError | null
  readonly entriesPushed: number
  readonly entriesPulled: number
  /** The relay had lost or rewound its data, and this device gave it back. */
  readonly reseeded: boolean
}

/**
 * Summed over the relays. Done and total only grow while a `sync` goes on: what there is to do is known little by little, the
 * documents when a relay has listed them, the bytes when each is opened. Frozen.
 */
export interface SyncProgress {
  /** Of payloads, both ways: given by a relay, or said by it to be held. Counts what earlier bursts moved of a large payload. */
  readonly bytesDone: number
  readonly bytesTotal: number
  /** Synced: all pushed and flushed, all newer taken in. One that fails is never done. */
  readonly documentsDone: number
  readonly documentsTotal: number
}

// What invariants look at: who takes part, what was done, and what the logs ever held.
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import type { Deeds } from './deeds.ts'
import type { SimulatedKeys } from './keys.ts'
import { LogHistory } from './log-history.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

export interface Scene {
  readonly relays: readonly SimulatedRelay[]
  readonly devices: readonly SimulatedDevice[]
  readonly deeds: Deeds
  readonly histories: Histories
  readonly keys: SimulatedKeys
}

export class Histories {
  readonly #keys: SimulatedKeys
  /** By relay and document, then by incarnation. */
  readonly #byDocument = new Map<string, Map<string, LogHistory>>()

  constructor(keys: SimulatedKeys) {
    this.#keys = keys
  }

  of(relay: SimulatedRelay, { documentId, incarnation }: MemoryDocument): LogHistory {
    const logs = this.#logsOf(relay, documentId)
    const history = logs.get(hex(incarnation)) ?? new LogHistory(this.#keys.payloadsOf(documentId))
    logs.set(hex(incarnation), history)
    return history
  }

  /** Of all logs that the document ever had at the relay. */
  every(relay: SimulatedRelay, documentId: string): readonly LogHistory[] {
    return [...this.#logsOf(relay, documentId).values()]
  }

  #logsOf({ name }: SimulatedRelay, documentId: string): Map<string, LogHistory> {
    const key = `${name}\n${documentId}`
    const logs = this.#byDocument.get(key) ?? new Map<string, LogHistory>()
    this.#byDocument.set(key, logs)
    return logs
  }
}

export class Violation extends Error {}

export function fail(what: string): never {
  throw new Violation(what)
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

// A relay core on a memory store with a clock that stands still, and connections that are nothing but arrays: for
// tests of the session that need no socket.
import { type Code, encodeFrames, type Frame } from '@tidemark/protocol'
import { DEFAULT_LIMITS, type Limits } from '../../relay/src/limits.ts'
import { createRelayCore, type RelayCore } from '../../relay/src/relay-core.ts'
import type { Carrier, Connection } from '../../relay/src/session/connection.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import { memoryRelayStore } from '../../relay/src/store/memory.ts'
import { parseGrant } from '../../relay/src/token/grants.ts'
import { TokenError, type TokenVerifier } from '../../relay/src/token/tokens.ts'
import { decode } from './device.ts'

/** A token that is its own grants: `alice/*:write bob/*:read`. It expires where the clock of the test says so. */
export class PlainTokens implements TokenVerifier {
  expiresAtMs: number = Number.POSITIVE_INFINITY

  verify(token: string, nowMs = 0): ReturnType<TokenVerifier['verify']> {
    if (token === '') throw new TokenError('There is no token')
    if (this.expiresAtMs <= nowMs) throw new TokenError('The token has expired')
    return { subject: '', grants: token.split(' ').map(parseGrant), expiresAtMs: this.expiresAtMs }
  }
}

export class CoreUnderTest {
  readonly store: RelayStore
  readonly core: RelayCore
  readonly tokens: PlainTokens = new PlainTokens()
  readonly errorsLogged: string[] = []
  nowMs = 1_000_000
  /** By how much the machine's clock was set. */
  clockSetByMs = 0

  /** `store`: one of the test's own, with a clock of its own; otherwise a memory store that shares this clock. */
  constructor(limits: Partial<Limits> = {}, store?: RelayStore) {
    const now = (): number => this.nowMs
    this.store = store ?? memoryRelayStore({ now, limits })
    this.core = createRelayCore({
      store: this.store,
      tokens: this.tokens,
      logger: { debug() {}, info() {}, warn() {}, error: (_fields, message) => void this.errorsLogged.push(message) },
      limits: { ...DEFAULT_LIMITS, ...limits },
      now: () => now() + this.clockSetByMs,
      steadyNow: now,
    })
  }

  connect(options: { oneRound?: boolean; headerToken?: string } = {}): CoreConnection {
    const carrier = new RecordingCarrier()
    return new CoreConnection(carrier, this.core.connect(carrier, options))
  }

  /** One round over a connection of its own. */
  async burst(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const connection = this.connect()
    const answer = await connection.round(frames)
    connection.connection.closed()
    return answer
  }

  pass(milliseconds: number): void {
    this.nowMs += milliseconds
    this.core.sweep()
  }
}

class RecordingCarrier implements Carrier {
  bufferedBytes = 0
  readonly messages: Uint8Array[] = []
  closed: { code: Code; reason: string; retryAfterMs: number } | null = null
  isPaused = false

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  send(bytes: Uint8Array): void {
    if (this.closed !== null) throw new Error('Sent after it was closed')
    this.messages.push(bytes)
  }

  close(code: Code, reason: string, retryAfterMs: number): void {
    if (this.closed !== null) throw new Error('Closed twice')
    this.closed = { code, reason, retryAfterMs }
  }
}

export class CoreConnection {
  readonly carrier: RecordingCarrier
  readonly connection: Connection

  constructor(carrier: RecordingCarrier, connection: Connection) {
    this.carrier = carrier
    this.connection = connection
  }

  get frames(): readonly Frame[] {
    return this.carrier.messages.flatMap((message) => decode(message))
  }

  get closeCode(): Code | null {
    return this.carrier.closed?.code ?? null
  }

  send(frames: readonly Frame[]): void {
    this.connection.receive(encodeFrames(frames))
  }

  /** Sends, and waits until nothing moves any more. */
  async round(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const before = this.frames.length
    this.send(frames)
    await settled()
    return this.frames.slice(before)
  }
}

/** The memory store answers within microtasks: after one turn of the event loop there is nothing left to come. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

// Two authors who typed at the same time, as two devices over real sockets and a real store. Where one of them had seen
// more of the other, a burst brings exactly that: who pulls sooner than in the recording types at other places.
import { memoryStore, type SyncReport, Tidemark, type TidemarkDocument } from '@tidemark/client/node'
import type { Frame } from '@tidemark/protocol'
import { describe, expect } from 'vitest'
import { startRelayServer } from '../support/relay-server.ts'
import { tappedWebSocket } from '../support/tapped-socket.ts'
import { itWithTrace, type Trace, Typist } from '../support/traces.ts'

const DOCUMENT = 'alice/friends'
const EVERYTHING = Number.POSITIVE_INFINITY

describe('friendsforever', () => {
  itWithTrace(
    'friendsforever',
    'typed by two devices that merge where the authors did, ends in the text of the recording on both',
    async (trace) => {
      // One entry a page, so that a mark follows each: a burst that breaks after any entry keeps what it has.
      const { url, token, close } = await startRelayServer({ pageEntriesMax: 1 })
      const pushes: Pushes = new Map()
      const authors = [await Author.start(0, url, token, pushes), await Author.start(1, url, token, pushes)] as const
      await play(trace, authors)
      for (const author of [...authors, authors[0]]) expect((await author.burst(EVERYTHING)).complete).toBe(true)
      for (const { document } of authors) {
        expect(document.doc.getText('t').toString()).toBe(trace.endContent)
        expect(document.status).toMatchObject({ safety: expect.stringMatching(/on-relay|confirmed/), unsentBytes: 0 })
      }
      for (const { brokenBursts } of authors) expect(brokenBursts).toBeGreaterThan(500)
      for (const { tidemark } of authors) await tidemark.close()
      await close()
    },
    180_000,
  )
})

/** By push id: whose it is, and the newest transaction in it. */
type Pushes = Map<string, { readonly agent: number; readonly newest: number }>

async function play({ txns }: Trace, authors: readonly [Author, Author]): Promise<void> {
  const seen = seenByTransaction(txns)
  const awaited = new Set(seen)
  for (const [index, { agent, patches }] of txns.entries()) {
    const author = authors[agent] as Author
    const wanted = seen[index] as number
    if (wanted > author.sees) await author.burst(wanted)
    for (const patch of patches) author.typist.type(patch)
    author.newest = index
    if (awaited.has(index)) await author.burst(author.sees)
  }
}

/** For each transaction the newest one of the other author that its author had seen; -1: none. */
function seenByTransaction(txns: Trace['txns']): readonly number[] {
  const newest: (readonly [number, number])[] = []
  return txns.map(({ parents, agent }, index) => {
    const of = (side: 0 | 1): number => Math.max(-1, ...parents.map((parent) => newest[parent]?.[side] ?? -1))
    newest.push(agent === 0 ? [index, of(1)] : [of(0), index])
    return of(agent === 0 ? 1 : 0)
  })
}

class Author {
  readonly tidemark: Tidemark
  readonly document: TidemarkDocument
  readonly typist: Typist
  readonly #agent: number
  readonly #pushes: Pushes
  brokenBursts = 0
  /** Newest transaction of its own. */
  newest = -1
  /** Newest transaction of the other author that it may see. */
  sees = -1

  static async start(agent: number, url: string, token: string, pushes: Pushes): Promise<Author> {
    const taps: { author: Author | null } = { author: null }
    const socket = tappedWebSocket({
      sent: (frames) => taps.author?.noteSent(frames),
      breaksBefore: (frame) => taps.author?.breaksBefore(frame) ?? false,
    })
    const platform = { WebSocket: socket, fetch: null }
    const tidemark = new Tidemark({ store: memoryStore(), relays: [url], token, schedule: false, platform })
    const document = await tidemark.open(DOCUMENT)
    document.doc.clientID = agent + 1
    taps.author = new Author(agent, pushes, tidemark, document)
    return taps.author
  }

  private constructor(agent: number, pushes: Pushes, tidemark: Tidemark, document: TidemarkDocument) {
    this.#agent = agent
    this.#pushes = pushes
    this.tidemark = tidemark
    this.document = document
    this.typist = new Typist(document.doc.getText('t'))
  }

  /** Pushes all of its own, and pulls of the other author's all up to this transaction. */
  async burst(wanted: number): Promise<SyncReport> {
    this.sees = wanted
    const report = await this.tidemark.sync()
    if (!report.complete) this.brokenBursts++
    return report
  }

  noteSent(frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (frame.type !== 'PUSH' || this.#pushes.has(frame.pushId.join())) continue
      this.#pushes.set(frame.pushId.join(), { agent: this.#agent, newest: this.newest })
    }
  }

  /** Before the first entry of what the author had not seen in the recording. */
  breaksBefore(frame: Frame): boolean {
    if (frame.type !== 'ENTRIES') return false
    return frame.entries.some(({ pushId }) => {
      const push = this.#pushes.get(pushId.join())
      return push !== undefined && push.agent !== this.#agent && push.newest > this.sees
    })
  }
}

// A device as an app in Node has it: a store of files in a directory of its own, which goes with it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DocumentReport, fileStore, type RelayTarget, Tidemark, type TokenSource } from '@tidemark/client/node'
import { type Fetch, platformOf } from '../../client/src/platform.ts'
import { tappedWebSocket } from './tapped-socket.ts'

export type CarrierName = NonNullable<RelayTarget['carrier']>

export interface NodeDeviceOptions {
  readonly url: string
  readonly token: TokenSource
  readonly carrier?: CarrierName
  readonly mirror?: readonly string[]
}

export class NodeDevice {
  readonly tidemark: Tidemark
  /** WebSocket messages, or bodies of requests and responses. */
  messagesUp = 0
  messagesDown = 0
  readonly #directory: string

  constructor({ url, token, carrier = 'auto', mirror = [] }: NodeDeviceOptions) {
    this.#directory = mkdtempSync(join(tmpdir(), 'tidemark-device-'))
    const WebSocket = tappedWebSocket({
      sent: () => this.messagesUp++,
      received: () => this.messagesDown++,
    })
    this.tidemark = new Tidemark({
      store: fileStore(this.#directory),
      relays: [{ url, token, carrier }],
      mirror,
      schedule: false,
      platform: { WebSocket, fetch: this.#fetch },
    })
  }

  async insert(documentId: string, at: number, text: string): Promise<void> {
    const { doc } = await this.tidemark.open(documentId)
    doc.getText('t').insert(at, text)
  }

  async delete(documentId: string, at: number, length: number): Promise<void> {
    const { doc } = await this.tidemark.open(documentId)
    doc.getText('t').delete(at, length)
  }

  async text(documentId: string): Promise<string> {
    return (await this.tidemark.open(documentId)).doc.getText('t').toString()
  }

  /** One burst, which must be complete; the documents that it opened. */
  async burst(): Promise<readonly DocumentReport[]> {
    const report = await this.tidemark.sync()
    const [relay] = report.relays
    if (!report.complete || relay === undefined) throw new Error(`An incomplete burst: ${JSON.stringify(report)}`)
    return relay.documents
  }

  async leave(): Promise<void> {
    await this.tidemark.close()
    rmSync(this.#directory, { recursive: true })
  }

  readonly #fetch: Fetch = async (url, init) => {
    this.messagesUp++
    const response = await (platformOf().fetch as Fetch)(url, init)
    this.messagesDown++
    return response
  }
}

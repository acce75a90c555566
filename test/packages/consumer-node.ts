// A relay and a device in one Node process; compiled against the packed packages, never run.
import { createServer } from 'node:http'
import { fileStore, Tidemark } from '@tidemark/client/node'
import { createRelay, type Relay } from '@tidemark/relay'

const server = createServer()
const relay: Relay = await createRelay({ data: './data', server })
const token = await relay.mintToken(['alice/*:write'], { subject: 'alice', expiresInMs: 60_000 })
const tidemark = new Tidemark({ relays: [relay.url], token, store: fileStore('./device'), schedule: false })
await tidemark.sync({ budgetMs: 5_000 })
await tidemark.close()
await relay.close({ deadlineMs: 1_000 })

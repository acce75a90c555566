// A peer: what a server of y-websocket says, by y-protocols itself, and nothing of what it does beside: no awareness, no
// database, no pings. One connection is one document.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import * as Y from 'yjs'
import { answer } from '../burst/child.mjs'
import { readMessage, syncStep1 } from './y-protocols-message.mjs'

const docs = new Map()
const server = createServer()
const webSockets = new WebSocketServer({ server, perMessageDeflate: false })
webSockets.on('connection', (webSocket, { url }) => {
  const doc = docs.get(url) ?? new Y.Doc()
  docs.set(url, doc)
  webSocket.on('message', (bytes) => {
    const reply = readMessage(bytes, doc)
    if (reply !== null) webSocket.send(reply)
  })
  webSocket.send(syncStep1(doc))
})
await once(server.listen(0, '127.0.0.1'), 'listening')
answer({ port: () => server.address().port })

// A floor: ws on node:http that accepts, echoes one message and lets the client close. permessage-deflate is off.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { answer, processorTime } from './child.mjs'

const server = createServer()
const webSockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false })
webSockets.on('connection', (webSocket) => {
  webSocket.on('message', (data) => webSocket.send(data))
})
await once(server.listen(0, '127.0.0.1'), 'listening')
answer({ port: () => server.address().port, processorTime })

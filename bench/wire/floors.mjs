// What cannot be done with less: a WebSocket that is opened and closed, and a POST of nothing, by the libraries that the SDK
// uses.
import { once } from 'node:events'
import { MEDIA_TYPE, SUBPROTOCOL, SYNC_PATH } from '@tidemark/protocol'
import { WebSocket } from 'ws'

export async function openAndClose(port) {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}${SYNC_PATH}`, [SUBPROTOCOL], { perMessageDeflate: false })
  await once(webSocket, 'open')
  webSocket.close(1000)
  await once(webSocket, 'close')
}

export async function postNothing(port) {
  const headers = { 'content-type': MEDIA_TYPE }
  const response = await fetch(`http://127.0.0.1:${port}${SYNC_PATH}`, {
    method: 'POST',
    headers,
    body: new Uint8Array(0),
  })
  await response.arrayBuffer()
}

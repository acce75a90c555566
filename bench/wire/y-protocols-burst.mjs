// A burst as a client of y-websocket would make it: for each document a connection, both sync steps both ways, and away.
import { once } from 'node:events'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { type } from '../stores/novel.mjs'
import { EDIT } from './tidemark-bursts.mjs'
import { isSyncStep2, readMessage, syncStep1 } from './y-protocols-message.mjs'

export async function yProtocolsBurst({ port, room, known, edits = 1, hasEdit = false }) {
  const docs = []
  for (let number = 0; number < known; number += 1) {
    const doc = new Y.Doc()
    await type(doc.getText('body'), { edits, atOnce: edits, pause: async () => {} })
    docs.push(doc)
  }
  const burst = async () => {
    if (hasEdit) docs[0].getText('body').insert(0, EDIT)
    for (const [number, doc] of docs.entries()) await syncOne(`ws://127.0.0.1:${port}/${room}-${number}`, doc)
  }
  await burst()
  return { burst, close: async () => {} }
}

/** Both sides begin: this one is done when its own step is answered, and it has answered the server's. */
async function syncOne(url, doc) {
  const webSocket = new WebSocket(url, { perMessageDeflate: false })
  let [hasAnswer, hasAnswered] = [false, false]
  const synced = new Promise((resolve, reject) => {
    webSocket.on('error', reject)
    webSocket.on('message', (bytes) => {
      hasAnswer ||= isSyncStep2(bytes)
      const reply = readMessage(bytes, doc)
      if (reply !== null) webSocket.send(reply)
      hasAnswered ||= reply !== null
      if (hasAnswer && hasAnswered) resolve()
    })
  })
  webSocket.on('open', () => webSocket.send(syncStep1(doc)))
  await synced
  webSocket.close(1000)
  await once(webSocket, 'close')
}

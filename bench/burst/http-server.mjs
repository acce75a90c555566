// A floor: node:http that answers a POST with its own body.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { answer, processorTime } from './child.mjs'

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length })
    response.end(body)
  })
})
server.keepAliveTimeout = 65_000
await once(server.listen(0, '127.0.0.1'), 'listening')
answer({ port: () => server.address().port, processorTime })

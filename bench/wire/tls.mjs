// What TLS 1.3 adds to a connection, on a certificate made for the occasion: a handshake, tickets for the next one, and a little
// to each record. A certificate of a public authority is larger, by what `certificateBytes` says of this one and that.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { CountingProxy } from './counting-proxy.mjs'

const BODY = Buffer.alloc(100)
/** By RFC 8446: header, content type, tag. */
const RECORD_BYTES = 5 + 1 + 16

/** Null where there is no openssl to make a certificate with. */
export async function measureTls() {
  const credentials = newCredentials()
  if (credentials === null) return null
  const server = createServer({ ...credentials, minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (bytes) => socket.end(bytes))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const proxy = await CountingProxy.start(server.address().port)
  const full = await echoOnce(proxy, credentials, undefined)
  const resumed = await echoOnce(proxy, credentials, full.session)
  await proxy.close()
  server.close()
  return { certificateBytes: credentials.certificateBytes, recordBytes: RECORD_BYTES, full, resumed }
}

/** What one connection took beside its one record each way. */
async function echoOnce(proxy, { cert }, session) {
  proxy.take()
  const socket = connect({ port: proxy.port, host: '127.0.0.1', ca: cert, servername: 'localhost', session })
  let ticket
  socket.on('session', (newest) => {
    ticket = newest
  })
  await once(socket, 'secureConnect')
  socket.write(BODY)
  socket.resume()
  await once(socket, 'close')
  await proxy.idle()
  const { up, down, roundTrips } = proxy.take()
  const record = BODY.length + RECORD_BYTES
  return { session: ticket, wasResumed: socket.isSessionReused(), up: up - record, down: down - record, roundTrips }
}

function newCredentials() {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-tls-'))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  try {
    execFileSync('openssl', [...args, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    const pem = readFileSync(cert, 'latin1')
    const der = Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64')
    return { key: readFileSync(key), cert: readFileSync(cert), certificateBytes: der.length }
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  } finally {
    rmSync(directory, { recursive: true })
  }
}

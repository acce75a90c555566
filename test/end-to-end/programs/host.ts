// An app that holds a relay within its own process: a line of JSON for each thing that it learns. It outlives a relay that
// fails, goes on reading from it, and ends when it is told to.
import { writeSync } from 'node:fs'
import { createRelay } from '@tidemark/relay'

function say(what: object): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}

const [data] = process.argv.slice(2)
if (data === undefined) throw new Error('Which directory?')
const relay = await createRelay({ data, limits: { freeBytesMin: 0 } })
process.once('exit', (code) => say({ exit: code }))
process.once('SIGTERM', () => {
  void relay.close().then(
    () => say({ closed: true }),
    (error: unknown) => say({ closed: String(error) }),
  )
})
say({ url: relay.url, token: await relay.mintToken(['alice/*:write', 'bob/*:write']) })
say({ failed: (await relay.failed).message })

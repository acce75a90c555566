// Whoever changes the vectors changes the protocol. The pin and the vectors change in one commit that says why;
// node test/vectors/generate.mjs prints it.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { PROTOCOL_VERSION } from '@tidemark/protocol'
import { expect, it } from 'vitest'
import { readVectors, vectorsDirectory } from './vectors.ts'

const PIN: Readonly<Record<number, string>> = {
  1: 'f192cff2dd159ebda208569045ced66da32a2698b14f89e22730eb566f0166e4',
}

const files = readdirSync(vectorsDirectory)
  .filter((name) => name.endsWith('.json'))
  .sort()

it('holds the vectors to the protocol version', () => {
  const hash = createHash('sha256')
  for (const name of files) hash.update(`${name}\0`).update(readFileSync(new URL(name, vectorsDirectory)))
  expect(hash.digest('hex')).toBe(PIN[PROTOCOL_VERSION])
})

it.each(files)('%s says which version it is of', (name) => {
  expect(readVectors<{ protocolVersion: number }>(name).protocolVersion).toBe(PROTOCOL_VERSION)
})

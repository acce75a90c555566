import { expect, it } from 'vitest'
import { SparingLog } from '../../relay/src/logger.ts'

it('says each thing at once, and then every ten seconds how often it met it', () => {
  const said: object[] = []
  const log = new SparingLog({ debug() {}, info() {}, warn() {}, error: (fields) => void said.push(fields) })
  for (let second = 0; second < 25; second++) log.error(second * 1000, 'append', { second }, 'the store failed')
  log.error(25_000, 'page', {}, 'the store failed')
  expect(said).toEqual([{ second: 0, unsaid: 0 }, { second: 10, unsaid: 9 }, { second: 20, unsaid: 9 }, { unsaid: 0 }])
})

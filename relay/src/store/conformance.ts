// What contract.ts promises, as tests that know no test runner and no driver. Bookmarks and feed marks stay opaque
// here: another engine may make its own. What a driver does beyond the contract is tested beside that driver.
import { appendContract } from './conformance/append.ts'
import { closeContract } from './conformance/close.ts'
import { feedContract } from './conformance/feed.ts'
import { judgeContract } from './conformance/judge.ts'
import { randomWorkContract } from './conformance/random-work.ts'
import { readContract } from './conformance/read.ts'
import type { ContractTest, OpenStore } from './conformance/subject.ts'

export type { ContractTest, OpenStore, StoreUnderTest } from './conformance/subject.ts'

/** Declares every test of the contract with `test`; each opens stores of its own with `openStore`. */
export function storeContract(test: ContractTest, openStore: OpenStore): void {
  appendContract(test, openStore)
  judgeContract(test, openStore)
  readContract(test, openStore)
  feedContract(test, openStore)
  closeContract(test, openStore)
  randomWorkContract(test, openStore)
}

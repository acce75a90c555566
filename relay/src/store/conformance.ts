// What contract.ts promises, as tests that know no test runner and no driver. Bookmarks and feed marks stay opaque
// here: another engine may make its own. What a driver does beyond the contract is tested beside that driver.
import { appendContract } from './conformance/append.ts'
import { claimsContract } from './conformance/claims.ts'
import { closeContract } from './conformance/close.ts'
import { deletionContract } from './conformance/deletion.ts'
import { feedContract } from './conformance/feed.ts'
import { installContract } from './conformance/install.ts'
import { judgeContract } from './conformance/judge.ts'
import { payloadsContract } from './conformance/payloads.ts'
import { quotaContract } from './conformance/quota.ts'
import { randomCompactionContract } from './conformance/random-compaction.ts'
import { randomWorkContract } from './conformance/random-work.ts'
import { readContract } from './conformance/read.ts'
import { repairContract } from './conformance/repair.ts'
import { retentionContract } from './conformance/retention.ts'
import { servedContract } from './conformance/served.ts'
import type { ContractTest, OpenStore } from './conformance/subject.ts'
import { throwsContract } from './conformance/throws.ts'
import { uploadsContract } from './conformance/uploads.ts'

export type { ContractTest, OpenStore, StoreUnderTest } from './conformance/subject.ts'

/** Declares every test of the contract with `test`; each opens stores of its own with `openStore`. */
export function storeContract(test: ContractTest, openStore: OpenStore): void {
  appendContract(test, openStore)
  judgeContract(test, openStore)
  readContract(test, openStore)
  payloadsContract(test, openStore)
  uploadsContract(test, openStore)
  installContract(test, openStore)
  servedContract(test, openStore)
  retentionContract(test, openStore)
  claimsContract(test, openStore)
  repairContract(test, openStore)
  deletionContract(test, openStore)
  quotaContract(test, openStore)
  feedContract(test, openStore)
  throwsContract(test, openStore)
  closeContract(test, openStore)
  randomWorkContract(test, openStore)
  randomCompactionContract(test, openStore)
}

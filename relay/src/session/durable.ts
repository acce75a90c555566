// A push that is on disk. The only way to one is `Durable.append`, which awaits the store, and an ACK can be made of
// nothing else: "durable before acknowledged" is a matter of types here, not of care.
import type { Appended, RelayStore, StorePush } from '../store/contract.ts'

/** One push of an append: flushed, or refused by the store. */
export type AppendOutcome = Durable | Extract<Appended, { readonly refused: unknown }>

export class Durable {
  readonly #flushed: true = true
  readonly pushId: Uint8Array
  readonly index: number
  readonly receipt: Uint8Array
  readonly incarnation: Uint8Array

  private constructor(push: StorePush, index: number, receipt: Uint8Array, incarnation: Uint8Array) {
    this.pushId = push.pushId
    this.index = index
    this.receipt = receipt
    this.incarnation = incarnation
  }

  /** Appends, and resolves once the store has flushed. Outcomes stand in the order of `pushes`; rejects as the store does. */
  static async append(store: RelayStore, pushes: readonly StorePush[]): Promise<readonly AppendOutcome[]> {
    const appended = await store.append(pushes)
    return pushes.map((push, position) => {
      const outcome = appended[position]
      if (outcome === undefined) throw new Error(`The store answered ${appended.length} of ${pushes.length} pushes`)
      if ('refused' in outcome) return outcome
      return new Durable(push, outcome.index, outcome.receipt, outcome.incarnation)
    })
  }

  static is(outcome: AppendOutcome): outcome is Durable {
    return #flushed in outcome
  }
}

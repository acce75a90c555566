// Without what makes that nothing is acknowledged, shown or marked before it is on a disk.
import type { CommittedRows, OpenDeviceStore, StoreWrite } from '../../../client/src/store/contract.ts'
import type { Sabotage } from '../sabotage.ts'

export const acknowledgedEarly: Sabotage = { forgetsNewestFlush: true }
export const readableEarly: Sabotage = { readsEarly: true }

function recordsFirst(store: OpenDeviceStore): OpenDeviceStore {
  return {
    records: (prefix) => store.records(prefix),
    rows: (documentId) => store.rows(documentId),
    close: () => store.close(),
    commit: async ({ records = [], append = [], remove = [] }: StoreWrite): Promise<CommittedRows> => {
      const [, rows] = await Promise.all([store.commit({ records }), store.commit({ append, remove })])
      return rows
    },
  }
}

export const markBeforeRows: Sabotage = { deviceStore: recordsFirst }

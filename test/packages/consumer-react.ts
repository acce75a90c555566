// A component of an app that shows a document; compiled against the packed packages, never run.
import { Tidemark } from '@tidemark/client'
import { indexedDbStore } from '@tidemark/client/indexeddb'
import { useDocument, useSyncStatus } from '@tidemark/client/react'

const tidemark = new Tidemark({ store: indexedDbStore('my-novels') })

export function useNovelTitle(id: string): string {
  const { doc, status, error } = useDocument(tidemark, id)
  const { documentsUnsent, progress } = useSyncStatus(tidemark)
  if (error !== null) return `${error.message} (${error.action})`
  if (doc === null || status === null) return 'opening'
  const words = doc.getText('body').toString().slice(0, 40)
  return progress === null ? `${words}: ${status.safety}, ${documentsUnsent} unsent` : `${words}: ${progress.bytesDone}`
}

// The whole page: the novel's title and its state on top, the chapters beside the one that is open; on a phone, one of the two.
import type { Tidemark } from '@tidemark/client'
import { useDocument, useSyncStatus } from '@tidemark/client/react'
import { useRef } from 'react'
import { ChapterList } from './chapter-list.tsx'
import { ChapterSheet } from './chapter-sheet.tsx'
import type { Connection } from './connection.ts'
import { ConnectionDialog } from './connection-dialog.tsx'
import { CONTENTS_ID, contentsOf } from './novel.ts'
import { CHAPTERS, useShownChapter } from './place.ts'
import { Safety, Trouble } from './safety.tsx'
import { TitleField } from './title-field.tsx'
import { useOnline } from './use-online.ts'

interface AppProps {
  readonly tidemark: Tidemark
  readonly connection: Connection | null
  readonly connected: () => void
}

export function App({ tidemark, connection, connected }: AppProps) {
  const { doc, error } = useDocument(tidemark, CONTENTS_ID)
  const status = useSyncStatus(tidemark)
  const isOnline = useOnline()
  const shown = useShownChapter()
  const dialog = useRef<HTMLDialogElement>(null)
  if (error !== null) return <p role="alert">{error.message}</p>
  if (doc === null) return <p className="hint">Opening…</p>
  const contents = contentsOf(doc)
  const safety = { status, isConnected: connection !== null, isOnline, open: () => dialog.current?.showModal() }
  return (
    <div className="desk" data-shows={shown === '' ? 'chapters' : 'chapter'}>
      <header className="bar">
        <a className="back" href={CHAPTERS}>
          <span aria-hidden="true">‹ </span>Chapters
        </a>
        <h1>
          <TitleField fields={contents.novel} label="Title of the novel" placeholder="Your novel" />
        </h1>
        <Safety {...safety} />
      </header>
      <Trouble {...safety} />
      <ChapterList contents={contents} current={shown} />
      <main>
        {shown === '' ? (
          <p className="hint">Choose a chapter, or begin a new one.</p>
        ) : (
          <ChapterSheet key={shown} tidemark={tidemark} contents={contents} id={shown} />
        )}
      </main>
      <ConnectionDialog
        dialog={dialog}
        status={status}
        isOnline={isOnline}
        connection={connection}
        connected={connected}
      />
    </div>
  )
}

// One chapter: its title, its text, and what can be done with it.
import type { Tidemark } from '@tidemark/client'
import { useDocument } from '@tidemark/client/react'
import type { Text } from 'yjs'
import { Editor } from './editor.tsx'
import { type Chapter, type Contents, chaptersIn, moveChapter, putAway, textId, textOf, wordsIn } from './novel.ts'
import { showChapters } from './place.ts'
import { TitleField } from './title-field.tsx'
import { useShared } from './use-shared.ts'

interface ChapterSheetProps {
  readonly tidemark: Tidemark
  readonly contents: Contents
  readonly id: string
}

export function ChapterSheet({ tidemark, contents: { chapters }, id }: ChapterSheetProps) {
  const chapter = useShared(chapters, chaptersIn).find((one) => one.id === id)
  const { doc, error } = useDocument(tidemark, textId(id))
  const fields = chapters.get(id)
  if (chapter === undefined || fields === undefined) return <p className="hint">There is no such chapter here.</p>
  return (
    <article className="sheet">
      <h2>
        <TitleField fields={fields} label="Chapter title" placeholder="Untitled" isFocusedIfEmpty />
      </h2>
      {chapter.isPutAway && <p className="hint">This chapter was put away: it is no longer in the list.</p>}
      {error !== null && <p role="alert">{error.message}</p>}
      {doc !== null && <Editor text={textOf(doc)} label={`Text of ${chapter.title || 'the untitled chapter'}`} />}
      <footer className="sheet-foot">
        {doc !== null && <WordCount text={textOf(doc)} />}
        <ChapterActions chapters={chapters} chapter={chapter} />
      </footer>
    </article>
  )
}

function WordCount({ text }: { text: Text }) {
  const count = useShared(text, wordsIn)
  return <span>{count === 1 ? '1 word' : `${count.toLocaleString()} words`}</span>
}

function ChapterActions({ chapters, chapter }: { chapters: Contents['chapters']; chapter: Chapter }) {
  const { id, isPutAway } = chapter
  if (isPutAway) {
    return (
      <button type="button" onClick={() => putAway(chapters, id, false)}>
        Bring back
      </button>
    )
  }
  const leave = (): void => {
    putAway(chapters, id, true)
    showChapters()
  }
  return (
    <span className="actions">
      <button type="button" onClick={() => moveChapter(chapters, id, -1)}>
        Move up
      </button>
      <button type="button" onClick={() => moveChapter(chapters, id, 1)}>
        Move down
      </button>
      <button type="button" onClick={leave}>
        Put away
      </button>
    </span>
  )
}

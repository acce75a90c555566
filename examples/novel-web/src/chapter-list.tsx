// The table of contents: chapters to open, to add, and those that were put away.
import { addChapter, type Chapter, type Contents, chaptersIn, putAway } from './novel.ts'
import { showChapter } from './place.ts'
import { useShared } from './use-shared.ts'

interface ChapterListProps {
  readonly contents: Contents
  /** The one that is shown. */
  readonly current: string
}

export function ChapterList({ contents: { chapters }, current }: ChapterListProps) {
  const all = useShared(chapters, chaptersIn)
  const away = all.filter(({ isPutAway }) => isPutAway)
  return (
    <nav className="chapters" aria-label="Chapters">
      <ol>
        {all
          .filter(({ isPutAway }) => !isPutAway)
          .map(({ id, title }) => (
            <li key={id}>
              <a href={`#${id}`} aria-current={id === current ? 'page' : undefined}>
                {title || 'Untitled'}
              </a>
            </li>
          ))}
      </ol>
      <button type="button" className="new-chapter" onClick={() => showChapter(addChapter(chapters))}>
        New chapter
      </button>
      {away.length > 0 && <PutAway away={away} bringBack={(id) => putAway(chapters, id, false)} />}
    </nav>
  )
}

function PutAway({ away, bringBack }: { away: readonly Chapter[]; bringBack: (id: string) => void }) {
  return (
    <details className="put-away">
      <summary>Put away ({away.length})</summary>
      <ul>
        {away.map(({ id, title }) => (
          <li key={id}>
            <span>{title || 'Untitled'}</span>
            <button type="button" onClick={() => bringBack(id)} aria-label={`Bring back ${title || 'Untitled'}`}>
              Bring back
            </button>
          </li>
        ))}
      </ul>
    </details>
  )
}

// What the novel is made of: one document with its title and the list of its chapters, and one for the text of each chapter, so
// that a burst carries only the chapters that changed. Pure Yjs: knows no page, no store and no relay.
import * as Y from 'yjs'

/** All documents of the novel. In an app with accounts: the account's, which the backend's tokens grant. */
export const VAULT = 'novel'
export const CONTENTS_ID: string = `${VAULT}/contents`
/** Where the devices find what turns the passphrase into the key: the only document that is not encrypted. */
export const KEYS_ID: string = `${VAULT}/keys`

export interface Chapter {
  readonly id: string
  readonly title: string
  readonly isPutAway: boolean
}

type Fields = Y.Map<unknown>

/** Of the document CONTENTS_ID. */
export interface Contents {
  readonly novel: Fields
  readonly chapters: Y.Map<Fields>
}

/** Relays see ids: they hold no title. */
export function textId(chapterId: string): string {
  return `${VAULT}/chapter-${chapterId}`
}

export function textOf(doc: Y.Doc): Y.Text {
  return doc.getText('text')
}

export function contentsOf(doc: Y.Doc): Contents {
  return { novel: doc.getMap('novel'), chapters: doc.getMap<Fields>('chapters') }
}

export function titleOf(fields: Fields): string {
  return stringOf(fields.get('title'))
}

/** In the order of the novel. Two devices may have given one place to two chapters: then their ids decide, alike everywhere. */
export function chaptersIn(chapters: Y.Map<Fields>): readonly Chapter[] {
  return [...chapters]
    .map(([id, fields]) => ({ id, fields, place: Number(fields.get('place') ?? 0) }))
    .sort((one, other) => one.place - other.place || (one.id < other.id ? -1 : 1))
    .map(({ id, fields }) => ({ id, title: titleOf(fields), isPutAway: fields.get('isPutAway') === true }))
}

/** @returns the id of the new chapter, the last one */
export function addChapter(chapters: Y.Map<Fields>): string {
  const id = crypto.randomUUID()
  const place = 1 + Math.max(0, ...[...chapters.values()].map((fields) => Number(fields.get('place') ?? 0)))
  chapters.set(id, new Y.Map<unknown>([['place', place]]))
  return id
}

/** By one place among those that are not put away. */
export function moveChapter(chapters: Y.Map<Fields>, id: string, direction: -1 | 1): void {
  const order = chaptersIn(chapters)
  const visible = order.filter(({ isPutAway }) => !isPutAway)
  const at = visible.findIndex((chapter) => chapter.id === id)
  const neighbour = visible[at + direction]
  if (at === -1 || neighbour === undefined) return
  const ids = order.map((chapter) => chapter.id)
  ids.splice(ids.indexOf(id), 1)
  ids.splice(ids.indexOf(neighbour.id) + (direction === 1 ? 1 : 0), 0, id)
  chapters.doc?.transact(() => {
    ids.forEach((one, place) => {
      const fields = chapters.get(one)
      if (fields?.get('place') !== place) fields?.set('place', place)
    })
  })
}

/** Nothing is deleted: another device may be writing in it at this moment. */
export function putAway(chapters: Y.Map<Fields>, id: string, isPutAway: boolean): void {
  chapters.get(id)?.set('isPutAway', isPutAway)
}

export function wordsIn(text: Y.Text): number {
  return text.toString().match(/\S+/g)?.length ?? 0
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

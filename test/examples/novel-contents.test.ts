// The table of contents of the novel examples, on two devices that meet only now and then.
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { addChapter, chaptersIn, contentsOf, moveChapter, putAway } from '../../examples/novel-web/src/novel.ts'

class Device {
  readonly doc: Y.Doc = new Y.Doc()
  readonly chapters: ReturnType<typeof contentsOf>['chapters'] = contentsOf(this.doc).chapters

  add(title: string): string {
    const id = addChapter(this.chapters)
    this.chapters.get(id)?.set('title', title)
    return id
  }

  titles(): readonly string[] {
    return chaptersIn(this.chapters).map(({ title, isPutAway }) => (isPutAway ? `(${title})` : title))
  }

  meet(other: Device): void {
    Y.applyUpdate(other.doc, Y.encodeStateAsUpdate(this.doc))
    Y.applyUpdate(this.doc, Y.encodeStateAsUpdate(other.doc))
  }
}

describe('the chapters', () => {
  it('are in the order in which they were added, until they are moved', () => {
    const { chapters, titles } = withTitles('one', 'two', 'three')
    const [one = '', , three = ''] = chaptersIn(chapters).map(({ id }) => id)
    moveChapter(chapters, three, -1)
    expect(titles()).toEqual(['one', 'three', 'two'])
    moveChapter(chapters, one, 1)
    expect(titles()).toEqual(['three', 'one', 'two'])
    moveChapter(chapters, three, -1)
    moveChapter(chapters, 'no such chapter', 1)
    expect(titles()).toEqual(['three', 'one', 'two'])
  })

  it('are moved past one another, and past those that were put away', () => {
    const { chapters, titles } = withTitles('one', 'two', 'three')
    const [one = '', two = '', three = ''] = chaptersIn(chapters).map(({ id }) => id)
    putAway(chapters, two, true)
    moveChapter(chapters, one, 1)
    expect(titles()).toEqual(['(two)', 'three', 'one'])
    moveChapter(chapters, one, -1)
    putAway(chapters, two, false)
    moveChapter(chapters, three, -1)
    expect(titles()).toEqual(['two', 'three', 'one'])
  })

  it('are all there, in one order, after two devices changed them at once', () => {
    const [laptop, phone] = [new Device(), new Device()]
    const first = laptop.add('first')
    laptop.meet(phone)
    laptop.add('of the laptop')
    phone.add('of the phone')
    moveChapter(laptop.chapters, first, 1)
    phone.chapters.get(first)?.set('title', 'renamed')
    putAway(laptop.chapters, first, true)
    laptop.meet(phone)
    expect(phone.titles()).toEqual(laptop.titles())
    expect([...phone.titles()].sort()).toEqual(['(renamed)', 'of the laptop', 'of the phone'])
  })
})

function withTitles(...names: readonly string[]): { chapters: Device['chapters']; titles: () => readonly string[] } {
  const device = new Device()
  for (const name of names) device.add(name)
  return { chapters: device.chapters, titles: () => device.titles() }
}

// What the folder example finds out by comparing: what a writer changed in a file, in words and in bounded time.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { write } from '../../examples/folder/src/edits.ts'
import { changesBetween } from '../../examples/folder/src/word-changes.ts'

function changed(before: string, after: string): string {
  let [text, at] = ['', 0]
  for (const change of changesBetween(before, after)) {
    expect(change.at).toBeGreaterThanOrEqual(at)
    text += before.slice(at, change.at) + change.added
    at = change.at + change.removed
  }
  return text + before.slice(at)
}

/** What two writers make of a text who do not know of each other. */
function mergedOf(before: string, ...after: readonly string[]): string {
  const base = new Y.Doc()
  write(base.getText('text'), before)
  const merged = new Y.Doc()
  for (const text of after) {
    const writer = new Y.Doc()
    Y.applyUpdate(writer, Y.encodeStateAsUpdate(base))
    write(writer.getText('text'), text)
    Y.applyUpdate(merged, Y.encodeStateAsUpdate(writer))
  }
  return merged.getText('text').toString()
}

const pieces = ['a', 'the', 'Wal', 'Walfisch', ' ', ' ', '\n', '\r\n', '😀', '😁', 'é', 'e\u0301', '.', '鲸', '\ufeff']
const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join(''))

/** No two words of it are alike. */
function chapter(seed: string, words: number): string {
  return Array.from({ length: words }, (_, at) => `${seed}${at}${at % 80 === 79 ? '\n\n' : ' '}`).join('')
}

describe('the changes between two texts', () => {
  it('make the one the other', () => {
    fc.assert(fc.property(texts, texts, (before, after) => changed(before, after) === after))
  })

  it('make the one the other, whatever the texts are made of', () => {
    const text = fc.array(fc.oneof(fc.constantFrom(...pieces, '\ud83d', '\ude00', '\r'), fc.string({ unit: 'binary' })))
    const joined = text.map((parts) => parts.join(''))
    fc.assert(fc.property(joined, joined, (before, after) => changed(before, after) === after))
  })

  it('leave room for those of another writer: two words, and two sentences, are there once each', () => {
    const list = fc.array(fc.constantFrom('a', 'the', 'sea', 'e\u0301', '鲸', '😀', 'x\r\n', '\n\n'), {
      minLength: 2,
      maxLength: 40,
    })
    fc.assert(
      fc.property(list, fc.nat(), fc.nat(), (words, mine, theirs) => {
        const [here, there] = [mine % words.length, theirs % words.length]
        fc.pre(here !== there)
        const text = (changes: Record<number, string>): string => words.map((it, at) => changes[at] ?? it).join(' ')
        const merged = mergedOf(text({}), text({ [here]: 'MINE' }), text({ [there]: 'THEIRS' }))
        expect(merged).toBe(text({ [here]: 'MINE', [there]: 'THEIRS' }))
        const added = (at: number, sentence: string): Record<number, string> => ({ [at]: `${words[at]} ${sentence}` })
        const [one, other] = [added(here, 'New here.'), added(there, 'And there.')]
        const both = mergedOf(text({}), text(one), text(other))
        expect(both.length).toBe(text({ ...one, ...other }).length)
        expect(both).toContain('New here.')
        expect(both).toContain('And there.')
      }),
    )
  })

  it('split no surrogate pair of a shared text', () => {
    const doc = new Y.Doc()
    const shared = doc.getText('text')
    for (const text of ['a 😀 b', 'a 😁 b', 'a 😁😀 b', '😀']) {
      write(shared, text)
      expect(shared.toString()).toBe(text)
    }
  })

  it('replace words, add to a word that was gone on with, and join what a blank holds together', () => {
    expect(changesBetween('a bright cold day', 'a dark warm day')).toEqual([{ at: 2, removed: 11, added: 'dark warm' }])
    expect(changesBetween('Some word', 'Some words.')).toEqual([{ at: 9, removed: 0, added: 's.' }])
  })

  it('leave alone a word between two that were put before and behind it: written anew on two machines, it would be there twice', () => {
    const changes = changesBetween('one. two. three.', 'one. new. two. newer. three.')
    expect(changes.map(({ removed }) => removed)).toEqual([0, 0])
  })

  it('leave in its place what stands behind a scene that was cut', () => {
    const [head, scene, tail] = [chapter('head', 800), chapter('scene', 2_000), chapter('tail', 800)]
    const after = head + tail.replace('tail700', 'changed')
    expect(changesBetween(head + scene + tail, after)).toEqual([
      { at: head.length, removed: scene.length, added: '' },
      { at: (head + scene + tail).indexOf('tail700'), removed: 7, added: 'changed' },
    ])
  })

  it('are found soon in a chapter of which every word is new', () => {
    const [before, after] = [chapter('old', 20_000), chapter('new', 20_000)]
    expect(changed(before, after)).toBe(after)
  })
})

// Pairs of documents whose ids are the same and whose contents are not: what is left of a client id that was used twice.
import * as Y from 'yjs'

export interface Reuse {
  readonly name: string
  readonly one: (doc: Y.Doc) => void
  readonly other: (doc: Y.Doc) => void
  /** The first clock at which they differ. */
  readonly clock: number
}

/** What client 1 writes into an empty document. */
export function written(write: (doc: Y.Doc) => void, doc: Y.Doc = new Y.Doc()): Y.Doc {
  doc.clientID = 1
  write(doc)
  return doc
}

const text = (words: string) => (doc: Y.Doc) => doc.getText('t').insert(0, words)
const any = (value: unknown) => (doc: Y.Doc) => void doc.getMap('m').set('k', value)
const list = (values: readonly (number | string)[]) => (doc: Y.Doc) => doc.getArray('l').insert(0, [...values])
const embed = (value: object) => (doc: Y.Doc) => doc.getText('t').insertEmbed(0, value)
const bold = (attributes: object) => (doc: Y.Doc) => doc.getText('t').insert(0, 'x', attributes)
const shared = (make: () => object) => (doc: Y.Doc) => void doc.getMap('m').set('k', make())

export const REUSES: readonly Reuse[] = [
  { name: 'other text of the same length', one: text('white whale'), other: text('white shark'), clock: 6 },
  { name: 'another character of two units', one: text('a🐋b'), other: text('a🐳b'), clock: 2 },
  { name: 'text where there was a list', one: text('ab'), other: list(['a', 'b']), clock: 0 },
  { name: 'another element', one: list([1, 2, 3]), other: list([1, 2, 4]), clock: 2 },
  { name: 'a number of another kind', one: any(1), other: any('1'), clock: 0 },
  { name: 'nothing, and null', one: any(undefined), other: any(null), clock: 0 },
  { name: 'another value deep in an object', one: any({ a: [{ b: 1 }] }), other: any({ a: [{ b: 2 }] }), clock: 0 },
  { name: 'another key of an object', one: any({ a: 1 }), other: any({ b: 1 }), clock: 0 },
  { name: 'other nesting', one: any([[1], 2]), other: any([[1, 2]]), clock: 0 },
  { name: 'another embed', one: embed({ src: 'a' }), other: embed({ src: 'b' }), clock: 0 },
  { name: 'another format', one: bold({ bold: true }), other: bold({ italic: true }), clock: 0 },
  { name: 'another value of a format', one: bold({ size: 1 }), other: bold({ size: 2 }), clock: 0 },
  { name: 'other bytes', one: any(Uint8Array.of(1, 2)), other: any(Uint8Array.of(1, 3)), clock: 0 },
  { name: 'bytes where there was an embed', one: any(Uint8Array.of(1)), other: embed({}), clock: 0 },
  { name: 'another type', one: shared(() => new Y.Map()), other: shared(() => new Y.Array()), clock: 0 },
  {
    name: 'another element name',
    one: shared(() => new Y.XmlElement('p')),
    other: shared(() => new Y.XmlElement('q')),
    clock: 0,
  },
  {
    name: 'a hook where there was an element',
    one: shared(() => new Y.XmlElement('p')),
    other: shared(() => new Y.XmlHook('p')),
    clock: 0,
  },
  {
    name: 'another subdocument',
    one: shared(() => new Y.Doc({ guid: 'g' })),
    other: shared(() => new Y.Doc({ guid: 'h' })),
    clock: 0,
  },
]

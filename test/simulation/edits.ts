// What writers do: random edits of every kind of content that an app keeps in a Y.Doc.
import * as Y from 'yjs'
import type { Random } from './random.ts'

export type EditKind =
  | 'text'
  | 'delete'
  | 'rich'
  | 'map'
  | 'array'
  | 'nested'
  | 'nested rich'
  | 'xml'
  | 'undo'
  | 'subdocument'
  | 'big'

/** A document on a device, with one undo history per session, as an editor has it. */
export interface Manuscript {
  readonly doc: Y.Doc
  readonly undo: Y.UndoManager
}

export function manuscriptOf(doc: Y.Doc): Manuscript {
  const scope = [doc.getText('text'), doc.getMap('map'), doc.getArray('list'), doc.getMap('tree')]
  // Without a timeout of its own it would merge by the wall clock.
  return { doc, undo: new Y.UndoManager(scope, { captureTimeout: 0 }) }
}

/**
 * One edit; says what it was, for the trace. Nothing may be left to do, as when nothing can be deleted.
 * @param others documents that this one may hold as its subdocuments
 */
export function edit(
  { doc, undo }: Manuscript,
  kind: EditKind,
  random: Random,
  others: readonly string[] = [],
): string {
  switch (kind) {
    case 'text':
      return insertText(doc.getText('text'), random)
    case 'delete':
      return deleteText(random.chance(0.7) ? doc.getText('text') : doc.getText('rich'), random)
    case 'rich':
      return formatText(doc.getText('rich'), random)
    case 'map':
      return setKey(doc.getMap('map'), random)
    case 'array':
      return editArray(doc.getArray('list'), random)
    case 'nested':
      return editNested(doc.getMap('tree'), random)
    case 'nested rich':
      return formatNested(doc.getMap('tree'), random)
    case 'xml':
      return editXml(doc.getXmlFragment('page'), random)
    case 'undo':
      return random.chance(0.6) ? `undo ${undo.undo() !== null}` : `redo ${undo.redo() !== null}`
    case 'subdocument':
      return editParts(doc.getMap('parts'), others, random)
    case 'big':
      return insertBig(doc.getText('text'), random)
  }
}

/** Everything that a reader sees of a document. */
export function contentOf(doc: Y.Doc): string {
  return JSON.stringify({
    text: doc.getText('text').toString(),
    rich: joined(doc.getText('rich').toDelta()),
    map: sorted(doc.getMap('map').toJSON()),
    list: doc.getArray('list').toJSON(),
    tree: sorted(treeOf(doc.getMap('tree'))),
    parts: sorted(Object.fromEntries([...doc.getMap<Y.Doc>('parts')].map(([key, part]) => [key, part.guid]))),
    page: doc.getXmlFragment('page').toString(),
  })
}

const WORDS = ['call ', 'me ', 'Ishmael. ', 'whale', '🐋', 'ß', '\n', 'Some years ago '] as const
const KEYS = ['a', 'b', 'c'] as const

function insertText(text: Y.Text, random: Random): string {
  const at = wholeCharacterAt(text, random.between(0, text.length))
  const word = random.pick(WORDS)
  text.insert(at, word)
  return `insert ${JSON.stringify(word)} at ${at}`
}

function deleteText(text: Y.Text, random: Random): string {
  if (text.length === 0) return 'nothing to delete'
  const from = wholeCharacterAt(text, random.between(0, text.length - 1))
  const to = wholeCharacterAt(text, Math.min(text.length, from + random.between(1, 12)))
  text.delete(from, to - from)
  return `delete ${to - from} at ${from}`
}

/** Not between the halves of a surrogate pair: editors do not either. */
function wholeCharacterAt(text: Y.Text, at: number): number {
  const content = text.toString()
  if (content.length !== text.length) return at
  return /^[\uDC00-\uDFFF]/.test(content.slice(at)) ? at - 1 : at
}

function formatText(text: Y.Text, random: Random): string {
  if (text.length < 3 || random.chance(0.3)) return insertText(text, random)
  const from = wholeCharacterAt(text, random.between(0, text.length - 1))
  const length = wholeCharacterAt(text, random.between(from + 1, text.length)) - from
  const attributes = { [random.pick(['bold', 'italic'])]: random.chance(0.6) ? true : null }
  text.format(from, length, attributes)
  return `format ${JSON.stringify(attributes)} ${length} at ${from}`
}

function setKey(map: Y.Map<unknown>, random: Random): string {
  const key = random.pick(KEYS)
  if (random.chance(0.2)) {
    map.delete(key)
    return `delete key ${key}`
  }
  const value = random.between(0, 999)
  map.set(key, value)
  return `set ${key} to ${value}`
}

function editArray(list: Y.Array<unknown>, random: Random): string {
  if (list.length > 0 && random.chance(0.4)) {
    const from = random.between(0, list.length - 1)
    list.delete(from, 1)
    return `remove item ${from}`
  }
  const at = random.between(0, list.length)
  list.insert(at, [random.between(0, 9), { note: random.between(0, 9) }].slice(0, random.between(1, 2)))
  return `add items at ${at}`
}

function editNested(tree: Y.Map<unknown>, random: Random): string {
  const key = random.pick(KEYS)
  const child = tree.get(key)
  if (!(child instanceof Y.Map) || random.chance(0.15)) {
    const fresh = new Y.Map<unknown>()
    fresh.set('text', new Y.Text('leaf'))
    tree.set(key, fresh)
    return `new branch ${key}`
  }
  const text = child.get('text')
  if (text instanceof Y.Text && random.chance(0.7)) {
    return random.chance(0.6) ? insertText(text, random) : deleteText(text, random)
  }
  child.set(random.pick(KEYS), random.between(0, 99))
  return `set in branch ${key}`
}

/** Also of texts within: Yjs cleans these up as soon as they are there, whoever asked for them. */
function formatNested(tree: Y.Map<unknown>, random: Random): string {
  const key = random.pick(KEYS)
  const text = tree.get(key)
  if (text instanceof Y.Text) return formatText(text, random)
  tree.set(key, new Y.Text('leaves of grass'))
  return `new text ${key}`
}

/** What an app keeps of a part of its document that is a document of its own. */
function editParts(parts: Y.Map<Y.Doc>, others: readonly string[], random: Random): string {
  const key = random.pick(KEYS)
  if (others.length === 0 || random.chance(0.3)) {
    parts.delete(key)
    return `take out part ${key}`
  }
  const guid = random.pick(others)
  parts.set(key, new Y.Doc({ guid }))
  return `set part ${key} to ${guid}`
}

/** More than goes up in one frame: in pieces, and from a row of its own. */
function insertBig(text: Y.Text, random: Random): string {
  if (text.length > 80_000) return insertText(text, random)
  const page = random.pick(['whale ', '🐋 ']).repeat(12_000)
  const at = wholeCharacterAt(text, random.between(0, text.length))
  text.insert(at, page)
  return `insert ${page.length} characters at ${at}`
}

function editXml(page: Y.XmlFragment, random: Random): string {
  const at = page.length === 0 ? 0 : random.between(0, page.length - 1)
  const element = page.length === 0 ? null : page.get(at)
  if (!(element instanceof Y.XmlElement) || random.chance(0.3)) {
    const fresh = new Y.XmlElement('p')
    fresh.insert(0, [new Y.XmlText('leaf')])
    page.insert(at, [fresh])
    return `new paragraph at ${at}`
  }
  if (random.chance(0.25)) {
    page.delete(at, 1)
    return `delete paragraph ${at}`
  }
  element.setAttribute(random.pick(KEYS), String(random.between(0, 9)))
  return `attribute of paragraph ${at}`
}

function treeOf(tree: Y.Map<unknown>): Record<string, unknown> {
  const shown = (value: unknown): unknown => {
    if (value instanceof Y.Text) return joined(value.toDelta())
    return value instanceof Y.Map ? treeOf(value) : value
  }
  return Object.fromEntries([...tree].map(([key, value]) => [key, shown(value)]))
}

/** Marks that clean-up has not removed yet cut a delta into more pieces than a reader sees. */
function joined(delta: readonly { readonly insert: string; readonly attributes?: object }[]): unknown {
  const whole: { insert: string; attributes: string }[] = []
  for (const { insert, attributes } of delta) {
    const key = JSON.stringify(sorted(attributes ?? {}))
    const last = whole.at(-1)
    if (last?.attributes === key) last.insert += insert
    else whole.push({ insert, attributes: key })
  }
  return whole
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}

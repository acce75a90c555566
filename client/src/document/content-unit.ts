// The content of items, clock by clock, as bytes that do not depend on how items are split or on what an author's memory
// holds that does not travel. docs/protocol.md, "Snapshots". Writes what an item holds, never where it stands.
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** The numbers of contents in Yjs updates; 0, GC there, stands for deleted clocks here. */
const DELETED = 0
const JSON_ELEMENT = 2
const BINARY = 3
const EMBED = 5
const FORMAT = 6
const TYPE = 7
const ANY_ELEMENT = 8
const SUBDOCUMENT = 9
/** Text is one number, this plus the UTF-16 code unit, so that a plain letter is one or two bytes. */
const TEXT = 16

/** The numbers of lib0's any encoding. */
const ANY_ARRAY = 117
const ANY_OBJECT = 118

export function isUndeleted(struct: Y.Item | Y.GC): struct is Y.Item {
  return !struct.deleted
}

/** Stands for `length` clocks. */
export function writeDeleted(encoder: encoding.Encoder, length: number): void {
  encoding.writeVarUint(encoder, DELETED)
  encoding.writeVarUint(encoder, length)
}

/**
 * The units of an undeleted item from its `from`th to before its `to`th.
 * @throws RangeError, TypeError for what Yjs cannot encode either: cycles, and nesting beyond the stack
 */
export function writeUnits(encoder: encoding.Encoder, { content }: Y.Item, from: number, to: number): void {
  if (content instanceof Y.ContentString) {
    for (let i = from; i < to; i++) encoding.writeVarUint(encoder, TEXT + codeUnitAt(content.str, i))
  } else if (content instanceof Y.ContentAny) {
    for (let i = from; i < to; i++) {
      encoding.writeVarUint(encoder, ANY_ELEMENT)
      writeAny(encoder, content.arr[i])
    }
  } else if (content instanceof Y.ContentJSON) {
    for (let i = from; i < to; i++) {
      encoding.writeVarUint(encoder, JSON_ELEMENT)
      writeJson(encoder, content.arr[i])
    }
  } else {
    writeSingle(encoder, content)
  }
}

/** Content of one clock. */
function writeSingle(encoder: encoding.Encoder, content: Y.Item['content']): void {
  if (content instanceof Y.ContentFormat) {
    encoding.writeVarUint(encoder, FORMAT)
    encoding.writeVarString(encoder, content.key)
    writeJson(encoder, content.value)
  } else if (content instanceof Y.ContentType) {
    encoding.writeVarUint(encoder, TYPE)
    const type = new Y.UpdateEncoderV1()
    content.write(type, 0)
    encoding.writeUint8Array(encoder, type.toUint8Array())
  } else if (content instanceof Y.ContentEmbed) {
    encoding.writeVarUint(encoder, EMBED)
    writeJson(encoder, content.embed)
  } else if (content instanceof Y.ContentBinary) {
    encoding.writeVarUint(encoder, BINARY)
    encoding.writeVarUint8Array(encoder, content.content)
  } else if (content instanceof Y.ContentDoc) {
    encoding.writeVarUint(encoder, SUBDOCUMENT)
    encoding.writeVarString(encoder, content.doc.guid)
  } else {
    throw new TypeError(`content ${content.getRef()} is none of Yjs 13.6`)
  }
}

/** Half a surrogate pair is encoded as U+FFFD; only its author's memory holds it. */
function codeUnitAt(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  if ((unit & 0xf800) !== 0xd800) return unit
  const isHigh = unit < 0xdc00
  const other = text.charCodeAt(isHigh ? at + 1 : at - 1)
  return (other & 0xfc00) === (isHigh ? 0xdc00 : 0xd800) ? unit : 0xfffd
}

/** As it travels: what JSON leaves out or replaces is left out or replaced. */
function writeJson(encoder: encoding.Encoder, value: unknown): void {
  const json = JSON.stringify(value) as string | undefined
  writeAny(encoder, json === undefined ? undefined : JSON.parse(json))
}

/** lib0's any encoding with the keys of objects in order: another implementation may not keep the order that they had. */
function writeAny(encoder: encoding.Encoder, value: unknown): void {
  if (Array.isArray(value)) {
    encoding.writeUint8(encoder, ANY_ARRAY)
    encoding.writeVarUint(encoder, value.length)
    for (const element of value) writeAny(encoder, element)
  } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    encoding.writeUint8(encoder, ANY_OBJECT)
    encoding.writeVarUint(encoder, entries.length)
    for (const [key, inner] of entries) {
      encoding.writeVarString(encoder, key)
      writeAny(encoder, inner)
    }
  } else {
    encoding.writeAny(encoder, value as Parameters<typeof encoding.writeAny>[1])
  }
}

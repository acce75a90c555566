// What one file was last known to say, as a Yjs document of its own: what the writer changes in the file is changed here,
// and travels to the shared document as an ordinary Yjs update. So it merges with what others did meanwhile, also with what
// they did while this command was not running.
import { createHash } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as Y from 'yjs'
import { flushDirectory, readIfThere, readSettled, replaceFile, textOf, writeFlushed } from './disk.ts'
import { write } from './edits.ts'
import { swapFile } from './swap.ts'

/** The name of the shared text in each document. */
export const TEXT = 'text'

/** Where a replica is kept. */
export interface Place {
  readonly path: string
  /** For what is being written. */
  readonly workshop: string
}

/** A file of the folder, and what it was seen to say; null: there was none. */
export interface SeenFile {
  readonly path: string
  readonly seen: string | null
}

export class Replica {
  readonly #place: Place
  #doc: Y.Doc

  private constructor(place: Place, doc: Y.Doc) {
    this.#place = place
    this.#doc = doc
  }

  static empty(place: Place): Replica {
    return new Replica(place, new Y.Doc())
  }

  /** Null: this file is not known yet. Ends first what the process was killed in. */
  static async read(place: Place): Promise<Replica | null> {
    const { next, prepared } = besides(place)
    if ((await readIfThere(next)) !== null) {
      if ((await readIfThere(prepared)) === null) await promote(place)
      else await drop(next, prepared)
    }
    const state = await readIfThere(place.path)
    return state === null ? null : new Replica(place, docOf(state))
  }

  /**
   * What was written to the file that `follow` replaced, by an editor which had it open, as a state to share; null: none was
   * replaced. May be asked again and again, also after a kill before it was shared: the same words are the same update.
   */
  static async rescue(place: Place): Promise<Uint8Array | null> {
    const { before, overwritten } = besides(place)
    const state = await readIfThere(before)
    if (state === null) return null
    const replica = new Replica({ ...place, path: before }, docOf(state))
    const bytes = await readSettled(overwritten, replica.text)
    const text = bytes === null ? null : textOf(bytes)
    // An editor that has emptied it will write it.
    if (text !== null && text !== '' && text !== replica.text) await replica.edit(text)
    return replica.state
  }

  /** Nobody writes to the replaced file any more. */
  static async endRescue(place: Place): Promise<void> {
    const { before, overwritten } = besides(place)
    await drop(overwritten, before)
  }

  get text(): string {
    return this.#doc.getText(TEXT).toString()
  }

  /** The whole state. */
  get state(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc)
  }

  /** The writer has changed the file. Kept before anybody else learns of it, else a crash would make it be found out twice. */
  async edit(text: string): Promise<void> {
    write(this.#doc.getText(TEXT), text)
    await this.#keep()
  }

  /**
   * The first text of a document that nobody has begun. The same update wherever the same text is begun with: two machines
   * that find a copy of the same file each, before they have heard of each other, have it once.
   */
  async begin(text: string): Promise<void> {
    const beginning = new Y.Doc()
    beginning.clientID = createHash('sha256').update(text).digest().readUInt32BE()
    beginning.getText(TEXT).insert(0, text)
    Y.applyUpdate(this.#doc, Y.encodeStateAsUpdate(beginning))
    await this.#keep()
  }

  /**
   * Others have changed the document: brings that to the file. False: the file says something else than was seen, and is left.
   * A kill leaves either all files beside it, and the file was not replaced, or no prepared one, and it was.
   */
  async follow(doc: Y.Doc, { path, seen }: SeenFile): Promise<boolean> {
    const next = docOf(this.state)
    Y.applyUpdate(next, Y.encodeStateAsUpdate(doc))
    const text = next.getText(TEXT).toString()
    if (text === seen) {
      await this.#take(next)
      return true
    }
    const beside = besides(this.#place)
    await drop(beside.overwritten, beside.before)
    await writeFlushed(beside.prepared, text)
    await replaceFile(beside.next, Y.encodeStateAsUpdate(next), this.#place.workshop)
    await mkdir(dirname(path), { recursive: true })
    if (!(await swapFile({ path, seen, ...beside }))) {
      await drop(beside.next, beside.prepared, beside.overwritten)
      return false
    }
    await promote(this.#place)
    this.#doc = next
    return true
  }

  async forget(): Promise<void> {
    const { next, prepared, overwritten, before } = besides(this.#place)
    await drop(next, prepared, overwritten, before, this.#place.path)
  }

  async #take(next: Y.Doc): Promise<void> {
    const isNew = (await readIfThere(this.#place.path)) === null
    const isSame = Buffer.compare(this.state, Y.encodeStateAsUpdate(next)) === 0
    this.#doc = next
    if (isNew || !isSame) await this.#keep()
  }

  #keep(): Promise<void> {
    return replaceFile(this.#place.path, this.state, this.#place.workshop)
  }
}

function besides({ path }: Place): Record<'next' | 'prepared' | 'overwritten' | 'before', string> {
  return {
    /** What the file is about to say. */
    next: `${path}.next`,
    prepared: `${path}.prepared`,
    overwritten: `${path}.overwritten`,
    /** What was said by the file that was overwritten. */
    before: `${path}.before`,
  }
}

/** The file was replaced: what it was about to say is what it says. */
async function promote(place: Place): Promise<void> {
  const { next, before } = besides(place)
  if ((await readIfThere(place.path)) !== null) await rename(place.path, before)
  await rename(next, place.path)
  await flushDirectory(dirname(place.path))
}

/** One after the other: a kill between two of them shall leave the later ones. */
async function drop(...paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true })
}

function docOf(state: Uint8Array): Y.Doc {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  return doc
}

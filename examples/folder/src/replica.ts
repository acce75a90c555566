// What one file was last known to say, as a Yjs document of its own: what the writer changes in the file is changed here,
// and travels to the shared document as an ordinary Yjs update. So it merges with what others did meanwhile, also with what
// they did while this command was not running.
import { rm } from 'node:fs/promises'
import * as Y from 'yjs'
import { readIfThere, replaceFile } from './disk.ts'
import { distance, write } from './edits.ts'

/** The name of the shared text in each document. */
export const TEXT = 'text'
const NO_STATE = Y.encodeStateAsUpdate(new Y.Doc())

/** Where a replica is kept. */
export interface Place {
  readonly path: string
  /** For what is being written. */
  readonly workshop: string
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

  /**
   * Null: this file is not known yet. Where the process ended while it replaced the file, two states are kept, and it is the
   * one that `text`, what the file says, was made from.
   */
  static async read(place: Place, text: string): Promise<Replica | null> {
    const [state, nextState] = await Promise.all([place.path, nextPath(place)].map(readIfThere))
    if (state == null && nextState == null) return null
    const doc = docOf(state ?? NO_STATE)
    if (nextState == null) return new Replica(place, doc)
    const next = docOf(nextState)
    return new Replica(place, distance(textOf(doc), text) < distance(textOf(next), text) ? doc : next)
  }

  get text(): string {
    return textOf(this.#doc)
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

  /** Others have changed the document: takes that in, once `replace` has brought it to the file. */
  async follow(doc: Y.Doc, replace: (text: string) => Promise<boolean>): Promise<void> {
    const next = docOf(this.state)
    Y.applyUpdate(next, Y.encodeStateAsUpdate(doc))
    const text = textOf(next)
    if (text !== this.text) {
      await replaceFile(nextPath(this.#place), Y.encodeStateAsUpdate(next), this.#place.workshop)
      if (!(await replace(text))) return
    }
    this.#doc = next
    await this.#keep()
    await rm(nextPath(this.#place), { force: true })
  }

  async forget(): Promise<void> {
    for (const path of [nextPath(this.#place), this.#place.path]) await rm(path, { force: true })
  }

  #keep(): Promise<void> {
    return replaceFile(this.#place.path, this.state, this.#place.workshop)
  }
}

function nextPath({ path }: Place): string {
  return `${path}.next`
}

function docOf(state: Uint8Array): Y.Doc {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  return doc
}

function textOf(doc: Y.Doc): string {
  return doc.getText(TEXT).toString()
}

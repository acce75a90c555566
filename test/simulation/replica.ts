// A reader of payloads that belongs to nobody: takes in entries one by one as a careful device would, and says of each
// whether it can be taken in. What cannot leaves no trace.
import * as Y from 'yjs'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import { FORMAT_YJS_1 } from '../../client/src/document/format.ts'
import { inspectUpdate } from '../../client/src/document/update.ts'
import { applyAll, extentOf } from './extent.ts'

export class Replica {
  #doc = new Y.Doc({ guid: '' })
  readonly #taken: Uint8Array[] = []
  /** All that was taken in names, integrated or not. */
  readonly named: ChangeSet = new ChangeSet()
  #extent: ChangeSet | null = null

  /** Not to be changed. */
  get doc(): Y.Doc {
    return this.#doc
  }

  /** What is integrated; not to be changed. */
  get extent(): ChangeSet {
    this.#extent ??= extentOf(this.#doc)
    return this.#extent
  }

  /** False: it is junk. */
  add(payload: Uint8Array, format: number = FORMAT_YJS_1): boolean {
    const changes = format === FORMAT_YJS_1 ? inspectUpdate(payload) : { reason: `format ${format}` }
    if ('reason' in changes || !this.#apply(payload)) return false
    this.#taken.push(payload)
    this.named.addAll(changes)
    return true
  }

  addAll(payloads: Iterable<Uint8Array>): this {
    for (const payload of payloads) this.add(payload)
    return this
  }

  #apply(payload: Uint8Array): boolean {
    try {
      applyAll(this.#doc, [payload])
      return true
    } catch {
      // Half of it may be in the document.
      this.#doc = new Y.Doc({ guid: '' })
      applyAll(this.#doc, this.#taken)
      return false
    } finally {
      this.#extent = null
    }
  }
}

// A folder of Markdown files, and a vault of documents: what is changed in one is changed in the other. Each file is a
// document, named by its path. `reconcile` does it once; who calls it when is main.ts's business.
import { mkdir, rename } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { fileStore, type Schedule, Tidemark, type TidemarkDocument, TidemarkError } from '@tidemark/client/node'
import * as Y from 'yjs'
import { readIfThere, replaceFile, textOf } from './disk.ts'
import { filesIn, isNameOfFile, OWN_DIRECTORY } from './names.ts'
import { type Place, Replica, TEXT } from './replica.ts'

export interface FolderOptions {
  readonly directory: string
  readonly vault: string
  readonly relays: readonly string[]
  readonly token: string
  readonly schedule: Schedule | false
  /** A line for the person who runs it. */
  readonly say: (line: string) => void
}

export class Folder {
  readonly tidemark: Tidemark
  readonly #options: FolderOptions
  readonly #workshop: string
  readonly #replicas: string
  readonly #documents = new Map<string, TidemarkDocument>()
  readonly #buried = new Set<string>()
  /** Files that are gone, and when their documents were last synced then. */
  readonly #missing = new Map<string, number | null>()
  /** What was said of a file that is left alone. */
  readonly #complaints = new Map<string, string>()

  constructor(options: FolderOptions) {
    this.#options = options
    const own = join(options.directory, OWN_DIRECTORY)
    this.#workshop = join(own, 'workshop')
    this.#replicas = join(own, 'replicas')
    this.tidemark = new Tidemark({
      relays: options.relays,
      token: options.token,
      store: fileStore(join(own, 'store')),
      // Documents that others began are to become files.
      mirror: [options.vault],
      schedule: options.schedule,
    })
  }

  /** The folder's changes to the documents, the documents' changes to the folder. @throws Error if the folder looks lost */
  async reconcile(): Promise<void> {
    const { directory, vault } = this.#options
    const files = await filesIn(directory)
    const known = await filesIn(this.#replicas)
    if (files.size === 0 && known.size > 0) {
      throw new Error(
        `${directory} held ${known.size} files and is empty now. Is it mounted? Nothing was deleted elsewhere. ` +
          `If you mean it, remove ${OWN_DIRECTORY} in it and begin anew.`,
      )
    }
    const names = new Set([...files.keys(), ...known.keys()])
    for (const { id, deleted } of await this.tidemark.list(vault)) {
      const name = id.slice(vault.length + 1)
      if (!deleted) names.add(name)
      else if (!names.has(name)) await this.#bury(name)
    }
    for (const name of names) {
      this.#buried.delete(name)
      try {
        await this.#reconcileFile(name, join(directory, files.get(name) ?? name))
      } catch (error) {
        this.#complain(name, error instanceof Error ? error.message : String(error))
      }
    }
  }

  async #reconcileFile(name: string, path: string): Promise<void> {
    if (!isNameOfFile(name)) {
      this.#complain(name, 'no file of this folder may have such a name')
      return
    }
    const bytes = await readIfThere(path)
    const text = bytes === null ? null : textOf(bytes)
    if (bytes !== null && text === null) {
      this.#complain(name, 'it is not UTF-8 text, and is left alone')
      return
    }
    if (bytes !== null) this.#missing.delete(name)
    const replica = await Replica.read(this.#placeOf(name), text ?? '')
    if (text !== null && replica !== null) await this.#merge(name, path, text, replica)
    else if (text !== null) await this.#adopt(name, path, text)
    else if (replica !== null) await this.#deletedHere(name, path, replica)
    else await this.#begin(name, path)
  }

  async #merge(name: string, path: string, text: string, replica: Replica): Promise<void> {
    const document = await this.#open(name)
    if (document === null || document.status.problem?.code === 'DELETED') {
      await this.#deletedElsewhere(name, path, replica)
      return
    }
    if (replica.text !== text) {
      await replica.edit(text)
      this.#options.say(`${name}: edited here`)
    }
    await this.#share(replica, document)
    await this.#bring(name, path, text, replica, document)
  }

  /** A file that is new here. It waits until this device has seen once what the others have: it may be the same. */
  async #adopt(name: string, path: string, text: string): Promise<void> {
    if (this.tidemark.status.lastSyncedAt === null) return
    const document = await this.#open(name, true)
    if (document === null) return
    const there = document.doc.getText(TEXT).toString()
    const replica = Replica.empty(this.#placeOf(name))
    if (there !== '' && there !== text) {
      const copy = name.replace(/\.md$/, ` (${hostname()} ${new Date().toISOString().slice(0, 10)}).md`)
      await rename(path, join(this.#options.directory, copy))
      this.#options.say(`${name}: there is another one of this name elsewhere; this one is ${copy} from now on`)
      await this.#bring(name, path, null, replica, document)
      return
    }
    if (there === '') await replica.edit(text)
    else await replica.follow(document.doc, async () => true)
    await this.#share(replica, document)
    this.#options.say(`${name}: new here`)
  }

  /** A document of which there is no file. */
  async #begin(name: string, path: string): Promise<void> {
    const document = await this.#open(name)
    if (document === null) return
    const isEmpty = document.doc.store.clients.size === 0
    if (!isEmpty) await this.#bring(name, path, null, Replica.empty(this.#placeOf(name)), document)
    else if (document.status.problem?.code === 'DELETED') await this.#bury(name)
  }

  /** Of a document that was deleted this device remembers nothing, so that it comes here if somebody begins it anew. */
  async #bury(name: string): Promise<void> {
    if (this.#buried.has(name)) return
    this.#buried.add(name)
    this.#documents.delete(name)
    await this.tidemark.forget(this.#idOf(name), { discardUnsent: true })
  }

  /** What the file says is in the document, and in the device's store. */
  async #share(replica: Replica, document: TidemarkDocument): Promise<void> {
    Y.applyUpdate(document.doc, Y.diffUpdate(replica.state, Y.encodeStateVector(document.doc)))
    await document.flush()
  }

  /** What the document says is in the file, unless its writer was faster: then the next time. */
  async #bring(
    name: string,
    path: string,
    text: string | null,
    replica: Replica,
    { doc }: TidemarkDocument,
  ): Promise<void> {
    await replica.follow(doc, async (merged) => {
      const now = await readIfThere(path)
      if ((now === null ? null : textOf(now)) !== text) return false
      await replaceFile(path, merged, this.#workshop)
      this.#options.say(`${name}: ${text === null ? 'new, from elsewhere' : 'edited elsewhere'}`)
      return true
    })
    this.#complaints.delete(name)
  }

  /**
   * Waits for one burst before it deletes the document for all: the file may be about to come back, as it does when an
   * editor saves it, and if somebody else has written to it, it shall.
   */
  async #deletedHere(name: string, path: string, replica: Replica): Promise<void> {
    const document = await this.#open(name)
    if (document !== null && document.doc.getText(TEXT).toString() !== replica.text) {
      await this.#bring(name, path, null, replica, document)
      return
    }
    const syncedAt = document?.status.lastSyncedAt ?? null
    if (!this.#missing.has(name)) this.#missing.set(name, syncedAt)
    if (this.#missing.get(name) === syncedAt && document !== null) return
    this.#missing.delete(name)
    this.#documents.delete(name)
    await this.tidemark.delete(this.#idOf(name))
    await replica.forget()
    this.#options.say(`${name}: deleted here`)
  }

  /** The file is put aside, since there may be words in it that nobody else has. */
  async #deletedElsewhere(name: string, path: string, replica: Replica): Promise<void> {
    const aside = join(this.#options.directory, OWN_DIRECTORY, 'deleted', `${name}.${Date.now()}`)
    await mkdir(dirname(aside), { recursive: true })
    await rename(path, aside)
    await replica.forget()
    await this.#bury(name)
    this.#options.say(`${name}: deleted elsewhere; here it is kept as ${aside}`)
  }

  /** Null: it was deleted, and is not to begin anew. */
  async #open(name: string, create = false): Promise<TidemarkDocument | null> {
    const open = this.#documents.get(name)
    if (open !== undefined && !create) return open
    try {
      const document = await this.tidemark.open(this.#idOf(name), { create })
      this.#documents.set(name, document)
      return document
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'DELETED') return null
      throw error
    }
  }

  #idOf(name: string): string {
    return `${this.#options.vault}/${name}`
  }

  #placeOf(name: string): Place {
    return { path: join(this.#replicas, name), workshop: this.#workshop }
  }

  #complain(name: string, why: string): void {
    if (this.#complaints.get(name) === why) return
    this.#complaints.set(name, why)
    this.#options.say(`${name}: ${why}`)
  }
}

// A folder of Markdown files, and a vault of documents: what is changed in one is changed in the other. Each file is a
// document, named by its path. `reconcile` does it once; who calls it when is main.ts's business.
import { mkdir, rename } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileStore, type Schedule, Tidemark, type TidemarkDocument, TidemarkError } from '@tidemark/client/node'
import * as Y from 'yjs'
import { readSettled, replaceFile, textOf } from './disk.ts'
import { caseMarked, filesIn, isNameOfFile, isTaken, OWN_DIRECTORY, ofCaseMarked } from './names.ts'
import { type Place, Replica, type SeenFile, TEXT } from './replica.ts'

/** After so long, no editor is in the middle of saving a file. */
const SAVING_MS = 2_000

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
  /** Files that are gone, since when, and when this device had last synced then. */
  readonly #missing = new Map<string, { readonly since: number; readonly syncedAt: number | null }>()
  /** When a file was last replaced. */
  readonly #replacedAt = new Map<string, number>()
  /** What was said of a file that is left alone. */
  readonly #complaints = new Map<string, string>()
  /** The files that are left alone as of the last look. */
  readonly #leftAlone = new Set<string>()

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

  /** Files that are not in sync, and will not be before somebody does something: it was said what. */
  get filesLeftAlone(): number {
    return this.#leftAlone.size
  }

  /** The folder's changes to the documents, the documents' changes to the folder. @throws Error if the folder looks lost */
  async reconcile(): Promise<void> {
    const { directory, vault } = this.#options
    this.#leftAlone.clear()
    const known = new Set([...(await filesIn(this.#replicas)).keys()].map(ofCaseMarked))
    const look = (): Promise<Map<string, string>> => filesIn(directory, (path, why) => this.#complain(path, why))
    let files = await look()
    // An editor may be in the middle of saving the only file.
    if (files.size === 0 && known.size > 0) await sleep(SAVING_MS)
    if (files.size === 0) files = await look()
    if (files.size === 0 && known.size > 0) {
      throw new Error(
        `${directory} held ${known.size} files and is empty now. Nothing was deleted elsewhere. To have them back, rename ` +
          `${this.#replicas} and start again. To delete them everywhere, put another .md file there first.`,
      )
    }
    const names = new Set([...files.keys(), ...known])
    for (const { id, deleted } of await this.tidemark.list(vault)) {
      const name = id.slice(vault.length + 1)
      if (!deleted) names.add(name)
      else if (!names.has(name)) await this.#bury(name)
    }
    for (const name of names) {
      this.#buried.delete(name)
      try {
        await this.#reconcileFile(name, files.get(name) ?? null)
      } catch (error) {
        this.#complain(name, error instanceof Error ? error.message : String(error))
      }
    }
    for (const name of this.#complaints.keys()) if (!this.#leftAlone.has(name)) this.#complaints.delete(name)
  }

  /** `found`: its path in the folder; null: no file has this name. */
  async #reconcileFile(name: string, found: string | null): Promise<void> {
    const { directory } = this.#options
    if (!isNameOfFile(name)) {
      this.#complain(name, 'no file of this folder may have such a name')
      return
    }
    if (found === null && (await isTaken(directory, name))) {
      // Unless it has come in this moment.
      if ((await filesIn(directory)).has(name)) return
      this.#complain(
        name,
        'a link, or a file that differs in upper and lower case, is in its place: give that one another name',
      )
      return
    }
    const replica = await Replica.read(this.#placeOf(name))
    const path = join(directory, found ?? name)
    const bytes = found === null ? null : await readSettled(path, replica?.text ?? null)
    const text = bytes === null ? null : textOf(bytes)
    if (bytes !== null && text === null) {
      this.#complain(name, 'it is not UTF-8 text, and is left alone')
      return
    }
    if (text !== null) this.#missing.delete(name)
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
    await this.#share(replica.state, document)
    await this.#rescue(name, document)
    await this.#bring(name, { path, seen: text }, replica, document)
  }

  /** An editor that was saving while its file was replaced has written to the one before. */
  async #rescue(name: string, document: TidemarkDocument): Promise<void> {
    const place = this.#placeOf(name)
    const state = await Replica.rescue(place)
    if (state !== null) await this.#share(state, document)
    const replacedAt = this.#replacedAt.get(name) ?? Number.NEGATIVE_INFINITY
    if (performance.now() - replacedAt > SAVING_MS) await Replica.endRescue(place)
  }

  /** A file that is new here. It waits until this device has seen once what the others have: it may be the same. */
  async #adopt(name: string, path: string, text: string): Promise<void> {
    if (this.tidemark.status.lastSyncedAt === null) return
    const document = await this.#open(name, true)
    if (document === null) return
    const there = document.doc.getText(TEXT).toString()
    const replica = Replica.empty(this.#placeOf(name))
    if (there !== '' && there !== text) {
      const copy = await this.#nameOfCopy(name)
      await rename(path, join(this.#options.directory, copy))
      this.#options.say(`${name}: there is another one of this name elsewhere; this one is ${copy} from now on`)
      await this.#bring(name, { path, seen: null }, replica, document)
      return
    }
    if (isUntouched(document)) await replica.begin(text)
    else if (there === '') await replica.edit(text)
    else await replica.follow(document.doc, { path, seen: text })
    await this.#share(replica.state, document)
    this.#options.say(`${name}: new here`)
  }

  /** One that no file has, and no document: the second of a day is not put in the place of the first. */
  async #nameOfCopy(name: string): Promise<string> {
    const { directory, vault } = this.#options
    const listed = new Set((await this.tidemark.list(vault)).map(({ id }) => id))
    const day = new Date().toISOString().slice(0, 10)
    for (let count = 1; ; count++) {
      const copy = name.replace(/\.md$/, ` (${hostname()} ${day}${count === 1 ? '' : ` ${count}`}).md`)
      if (!listed.has(this.#idOf(copy)) && !(await isTaken(directory, copy))) return copy
    }
  }

  /** A document of which there is no file. */
  async #begin(name: string, path: string): Promise<void> {
    const document = await this.#open(name)
    if (document === null) return
    if (!isUntouched(document)) {
      await this.#bring(name, { path, seen: null }, Replica.empty(this.#placeOf(name)), document)
    } else if (document.status.problem?.code === 'DELETED') await this.#bury(name)
  }

  /** Of a document that was deleted this device remembers nothing, so that it comes here if somebody begins it anew. */
  async #bury(name: string): Promise<void> {
    if (this.#buried.has(name)) return
    this.#buried.add(name)
    this.#documents.delete(name)
    await this.tidemark.forget(this.#idOf(name), { discardUnsent: true })
  }

  /** What the file says is in the document, and in the device's store. */
  async #share(state: Uint8Array, document: TidemarkDocument): Promise<void> {
    Y.applyUpdate(document.doc, Y.diffUpdate(state, Y.encodeStateVector(document.doc)))
    await document.flush()
  }

  /** What the document says is in the file, unless its writer was faster: then the next time. */
  async #bring(name: string, file: SeenFile, replica: Replica, { doc }: TidemarkDocument): Promise<void> {
    const before = replica.text
    if (!(await replica.follow(doc, file))) return
    if (file.seen !== null && replica.text === before) return
    this.#replacedAt.set(name, performance.now())
    this.#options.say(`${name}: ${file.seen === null ? 'new, from elsewhere' : 'edited elsewhere'}`)
  }

  /**
   * Waits for one burst before it deletes the document for all, and for an editor that saves by way of another file: it may be
   * about to come back, and if somebody else has written to it, it shall.
   */
  async #deletedHere(name: string, path: string, replica: Replica): Promise<void> {
    const document = await this.#open(name)
    // Of the burst, not of the document: in a burst that has nothing for it, that one is not said to be synced anew.
    const { lastSyncedAt: syncedAt } = this.tidemark.status
    const missing = this.#missing.get(name) ?? { since: performance.now(), syncedAt }
    this.#missing.set(name, missing)
    const isSynced = missing.syncedAt !== syncedAt || document === null
    if (isSynced) await sleep(Math.max(0, missing.since + SAVING_MS - performance.now()))
    if (await isTaken(this.#options.directory, name)) return
    if (document !== null && document.doc.getText(TEXT).toString() !== replica.text) {
      await this.#bring(name, { path, seen: null }, replica, document)
      return
    }
    if (!isSynced) return
    this.#missing.delete(name)
    this.#documents.delete(name)
    const aside = this.#pathAside(name)
    await replaceFile(aside, replica.text, this.#workshop)
    await this.tidemark.delete(this.#idOf(name))
    await replica.forget()
    this.#options.say(`${name}: deleted here, and so everywhere; it is kept as ${aside}`)
  }

  /** The file is put aside, since there may be words in it that nobody else has. */
  async #deletedElsewhere(name: string, path: string, replica: Replica): Promise<void> {
    const aside = this.#pathAside(name)
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

  #pathAside(name: string): string {
    return join(this.#options.directory, OWN_DIRECTORY, 'deleted', `${name}.${Date.now()}`)
  }

  #idOf(name: string): string {
    return `${this.#options.vault}/${name}`
  }

  #placeOf(name: string): Place {
    return { path: join(this.#replicas, caseMarked(name)), workshop: this.#workshop }
  }

  #complain(name: string, why: string): void {
    if (this.#leftAlone.has(name)) return
    this.#leftAlone.add(name)
    if (this.#complaints.get(name) === why) return
    this.#complaints.set(name, why)
    this.#options.say(`${name}: ${why}`)
  }
}

/** Nobody has ever written to it. */
function isUntouched({ doc }: TidemarkDocument): boolean {
  return doc.store.clients.size === 0
}

// What a power cut leaves of the files: everything flushed, and any part of what was not. Names are flushed with their
// directory, contents with their file; of an unflushed write any sectors may be there, the others as before or zero.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { ContentCall, DiskCall } from './recorded-files.ts'

const SECTOR_BYTES = 512

interface Content {
  /** As the running process sees it. */
  written: Buffer
  flushed: Buffer
  unflushed: ContentCall[]
}

type NameChange = { readonly path: string; readonly content: Content | null }

export class PowerLossDisk {
  /** As the running process sees them. */
  readonly #names = new Map<string, Content>()
  readonly #flushedNames = new Map<string, Content>()
  #unflushedNames: (readonly NameChange[])[] = []

  /** `files` are all flushed. */
  constructor(files: Iterable<readonly [path: string, bytes: Buffer]> = []) {
    for (const [path, bytes] of files) this.#names.set(path, { written: bytes, flushed: bytes, unflushed: [] })
    for (const [path, content] of this.#names) this.#flushedNames.set(path, content)
  }

  /** As the running process sees it: it stays the same file when it is renamed or deleted. */
  file(path: string): { readonly written: Buffer } | null {
    return this.#names.get(path) ?? null
  }

  /** As the running process sees them. */
  files(): ReadonlyMap<string, Buffer> {
    return new Map([...this.#names].map(([path, { written }]) => [path, written]))
  }

  apply(call: DiskCall): void {
    const content = this.#names.get(call.path)
    switch (call.kind) {
      case 'create':
        if (content !== undefined) change(content, { kind: 'truncate', path: call.path, length: 0 })
        else this.#rename([{ path: call.path, content: newContent() }])
        return
      case 'unlink':
        this.#rename([{ path: call.path, content: null }])
        return
      case 'rename':
        this.#rename([
          { path: call.to, content: content as Content },
          { path: call.path, content: null },
        ])
        return
      case 'sync':
        flush(content as Content)
        return
      case 'syncDirectory':
        this.#flushNames((path) => dirname(path) === call.path)
        return
      case 'write':
      case 'truncate':
        if (content !== undefined) change(content, call)
    }
  }

  /** Whether the last change to a file's content, if any is unflushed, was one that takes space. */
  isGrowing(path: string): boolean {
    return this.#names.get(path)?.unflushed.at(-1)?.kind === 'write'
  }

  /** What is left after a cut at this moment, as `chance` (0 to below 1) has it. */
  remains(chance: () => number): ReadonlyMap<string, Buffer> {
    const names = new Map(this.#flushedNames)
    for (const changes of this.#unflushedNames) {
      if (chance() < 0.5) for (const { path, content } of changes) setName(names, path, content)
    }
    return new Map([...names].map(([path, content]) => [path, remainsOf(content, () => chance() < 0.5)]))
  }

  /** Writes what remains of `from`. */
  async writeRemains(from: string, to: string, chance: () => number): Promise<void> {
    await mkdir(to, { recursive: true })
    for (const [path, bytes] of this.remains(chance)) {
      const target = join(to, relative(from, path))
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, bytes)
    }
  }

  #rename(changes: readonly NameChange[]): void {
    for (const { path, content } of changes) setName(this.#names, path, content)
    this.#unflushedNames.push(changes)
  }

  #flushNames(isIn: (path: string) => boolean): void {
    const isFlushed = (changes: readonly NameChange[]): boolean => changes.every(({ path }) => isIn(path))
    for (const changes of this.#unflushedNames.filter(isFlushed)) {
      for (const { path, content } of changes) setName(this.#flushedNames, path, content)
    }
    this.#unflushedNames = this.#unflushedNames.filter((changes) => !isFlushed(changes))
  }
}

function setName(names: Map<string, Content>, path: string, content: Content | null): void {
  if (content === null) names.delete(path)
  else names.set(path, content)
}

function newContent(): Content {
  return { written: Buffer.alloc(0), flushed: Buffer.alloc(0), unflushed: [] }
}

function change(content: Content, call: ContentCall): void {
  content.written = changed(content.written, call, () => true)
  content.unflushed.push(call)
}

function flush(content: Content): void {
  content.flushed = content.written
  content.unflushed = []
}

function remainsOf({ flushed, unflushed }: Content, isThere: () => boolean): Buffer {
  return unflushed.reduce((bytes, call) => changed(bytes, call, isThere), flushed)
}

function changed(bytes: Buffer, call: ContentCall, isThere: () => boolean): Buffer {
  if (call.kind === 'truncate') return isThere() ? bytes.subarray(0, call.length) : bytes
  const sectors: [position: number, bytes: Buffer][] = []
  for (let at = 0; at < call.bytes.byteLength; at += SECTOR_BYTES) {
    if (isThere()) sectors.push([call.position + at, call.bytes.subarray(at, at + SECTOR_BYTES)])
  }
  return overlaid(bytes, sectors)
}

/** Where nothing was written there are zeros. */
function overlaid(bytes: Buffer, sectors: readonly [position: number, bytes: Buffer][]): Buffer {
  const end = Math.max(0, ...sectors.map(([position, sector]) => position + sector.byteLength))
  const result = Buffer.alloc(Math.max(bytes.byteLength, end))
  bytes.copy(result)
  for (const [position, sector] of sectors) sector.copy(result, position)
  return result
}

// What a power cut leaves of the files: everything flushed, and any part of what was not. Names are flushed with their
// directory, contents with their file; of an unflushed write any sectors may be there, the others as before or zero.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { ContentCall, DiskCall } from './recorded-files.ts'

const SECTOR_BYTES = 512

interface Content {
  flushed: Buffer
  unflushed: ContentCall[]
}

type NameChange = { readonly path: string; readonly content: Content | null }

export class PowerLossDisk {
  /** As the running process sees them. */
  readonly #names = new Map<string, Content>()
  readonly #flushedNames = new Map<string, Content>()
  #unflushedNames: (readonly NameChange[])[] = []

  apply(call: DiskCall): void {
    const content = this.#names.get(call.path)
    switch (call.kind) {
      case 'create':
        if (content !== undefined) content.unflushed.push({ kind: 'truncate', path: call.path, length: 0 })
        else this.#rename([{ path: call.path, content: { flushed: Buffer.alloc(0), unflushed: [] } }])
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
        flush(content as Content, () => true)
        return
      case 'syncDirectory':
        this.#flushNames((path) => dirname(path) === call.path)
        return
      case 'write':
      case 'truncate':
        content?.unflushed.push(call)
    }
  }

  /** Writes what is left after a cut at this moment, as `chance` (0 to below 1) has it. */
  async writeRemains(from: string, to: string, chance: () => number): Promise<void> {
    const names = new Map(this.#flushedNames)
    for (const changes of this.#unflushedNames) {
      if (chance() < 0.5) for (const { path, content } of changes) setName(names, path, content)
    }
    await mkdir(to, { recursive: true })
    for (const [path, { flushed, unflushed }] of names) {
      const remains: Content = { flushed, unflushed: [...unflushed] }
      flush(remains, () => chance() < 0.5)
      const target = join(to, relative(from, path))
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, remains.flushed)
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

function flush(content: Content, isThere: () => boolean): void {
  for (const call of content.unflushed) {
    if (call.kind === 'truncate') {
      if (isThere()) content.flushed = content.flushed.subarray(0, call.length)
      continue
    }
    const sectors: [position: number, bytes: Buffer][] = []
    for (let at = 0; at < call.bytes.byteLength; at += SECTOR_BYTES) {
      if (isThere()) sectors.push([call.position + at, call.bytes.subarray(at, at + SECTOR_BYTES)])
    }
    content.flushed = overlaid(content.flushed, sectors)
  }
  content.unflushed = []
}

/** Where nothing was written there are zeros. */
function overlaid(bytes: Buffer, sectors: readonly [position: number, bytes: Buffer][]): Buffer {
  const end = Math.max(0, ...sectors.map(([position, sector]) => position + sector.byteLength))
  const result = Buffer.alloc(Math.max(bytes.byteLength, end))
  bytes.copy(result)
  for (const [position, sector] of sectors) sector.copy(result, position)
  return result
}

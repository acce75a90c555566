// What power cuts leave of a recorded disk: all that was written before the last flush, and of what came after it each
// sector or none, by chance. Goes through the log once, for cuts in the order of the log.
import { readFileSync, writeFileSync } from 'node:fs'

const HEADER_BYTES = 13
const WRITE = 1
const WRITE_THROUGH = 3
const FLUSH = 9
/** What a disk writes as one. */
const SECTOR_BYTES = 512

interface LogRecord {
  readonly kind: number
  readonly offset: number
  readonly data: Uint8Array
  /** Where the record after it begins. */
  readonly end: number
}

export interface CrashImage {
  /** Sectors that were written after the last flush, and of these the ones that are lost. */
  readonly sectorsUnflushed: number
  readonly sectorsLost: number
}

export class CrashImages {
  readonly #log: Buffer
  /** The disk as it was at the last flush before `#flushedAt`. */
  readonly #flushed: Buffer
  #flushedAt = 0

  constructor(baseImage: string, log: string) {
    this.#flushed = readFileSync(baseImage)
    this.#log = readFileSync(log)
  }

  flushesBetween(start: number, end: number): number {
    let flushes = 0
    for (let record = this.#at(0); record !== null && record.end <= end; record = this.#at(record.end)) {
      if (record.kind === FLUSH && record.end > start) flushes += 1
    }
    return flushes
  }

  /**
   * Writes the image of a cut when the log was so long; no earlier one than the last. `random`: 0 to below 1. `lost`: how
   * likely an unflushed sector is lost.
   */
  write(image: string, logBytes: number, lost: number, random: () => number): CrashImage {
    const unflushed = this.#advance(logBytes)
    const disk = Buffer.from(this.#flushed)
    let sectorsUnflushed = 0
    let sectorsLost = 0
    for (const { kind, offset, data } of unflushed) {
      for (let at = 0; at < data.length; at += SECTOR_BYTES) {
        const sector = data.subarray(at, at + SECTOR_BYTES)
        sectorsUnflushed += 1
        // A write through is on the disk when it is in the log.
        if (kind === WRITE && random() < lost) sectorsLost += 1
        else disk.set(sector, offset + at)
      }
    }
    writeFileSync(image, disk)
    return { sectorsUnflushed, sectorsLost }
  }

  /** Takes over what was flushed by then; returns the writes that were not. */
  #advance(logBytes: number): readonly LogRecord[] {
    if (logBytes < this.#flushedAt) throw new Error('Cuts are taken in the order of the log')
    let unflushed: LogRecord[] = []
    for (let record = this.#at(this.#flushedAt); record !== null && record.end <= logBytes; ) {
      if (record.kind === FLUSH) {
        for (const { offset, data } of unflushed) this.#flushed.set(data, offset)
        unflushed = []
        this.#flushedAt = record.end
      } else if (record.kind === WRITE || record.kind === WRITE_THROUGH) {
        unflushed.push(record)
      } else {
        throw new Error(`A record of kind ${record.kind}`)
      }
      record = this.#at(record.end)
    }
    return unflushed
  }

  #at(start: number): LogRecord | null {
    const log = this.#log
    if (start + HEADER_BYTES > log.length) return null
    const end = start + HEADER_BYTES + log.readUInt32LE(start + 9)
    if (end > log.length) return null
    const data = log.subarray(start + HEADER_BYTES, end)
    return { kind: log.readUInt8(start), offset: Number(log.readBigUInt64LE(start + 1)), data, end }
  }
}

// The payloads of one round that came in pieces: each piece is staged, and what is whole is held to the hash that its id
// promises. What was staged stays so over rounds, connections and restarts; nothing of it is kept here. Pure.
import type { Code } from '@tidemark/protocol'
import { equalBytes } from '../bytes.ts'
import type { StagedPiece } from '../store/contract.ts'
import type { RoundEvent } from './effects.ts'
import type { Outlet } from './outlet.ts'

const ID_BYTES = 16

/** What is uploaded, and whom to tell of it. */
export interface Upload {
  /** First 16 bytes of SHA-256 over prefix and payload. */
  readonly id: Uint8Array
  readonly prefix: Uint8Array
  readonly key: string
  /** In the order in which they came; of one total. */
  readonly pieces: readonly Omit<StagedPiece, 'key'>[]
  /** It is not whole: so many bytes from the beginning are there. */
  have(staged: number): void
  refuse(code: Code, message: string): void
  /** A piece of it is staged. */
  accepted(nowMs: number): void
  /** Nothing of it is staged, though this is not its beginning: it may have been taken into the log already. */
  unknown(): void
  whole(): void
}

interface Progress {
  readonly upload: Upload
  answered: number
  staged: number
  refused: boolean
}

export class Uploads {
  readonly #outlet: Outlet
  readonly #progress: Progress[] = []
  #unfinished = 0

  constructor(outlet: Outlet) {
    this.#outlet = outlet
  }

  get done(): boolean {
    return this.#unfinished === 0
  }

  add(upload: Upload): void {
    this.#progress.push({ upload, answered: 0, staged: 0, refused: false })
  }

  begin(): void {
    this.#unfinished = this.#progress.length
    for (const [position, { upload }] of this.#progress.entries()) {
      const { key, pieces } = upload
      for (const { total, offset, bytes } of pieces) {
        this.#outlet.wish({ type: 'stage', of: position, piece: { key, total, offset, bytes } })
      }
    }
  }

  take(event: RoundEvent, nowMs: number): void {
    const position = event.of
    const progress = this.#progress[position]
    if (progress === undefined) return
    switch (event.type) {
      case 'staged':
        this.#staged(progress, event.staged === 'full' ? null : event.staged.staged, nowMs)
        this.#answered(progress, position)
        return
      case 'hashed':
        this.#hashed(progress, position, event.hash)
        return
      case 'dropped':
        this.#finish()
        return
      case 'failed':
        this.#refuse(progress, event.code, event.message)
        if (event.wish === 'stage') this.#answered(progress, position)
        else this.#finish()
        return
      default:
        return
    }
  }

  #staged(progress: Progress, staged: number | null, nowMs: number): void {
    if (staged === null) {
      this.#refuse(progress, 'OVERLOADED', 'Too many unfinished payloads on this relay')
      return
    }
    const piece = progress.upload.pieces[progress.answered]
    progress.staged = Math.max(progress.staged, staged)
    const isHeld = piece !== undefined && piece.bytes.length > 0 && staged >= piece.offset + piece.bytes.length
    if (isHeld) progress.upload.accepted(nowMs)
  }

  /** One more of its pieces has been answered: after the last it is known how far the upload is. */
  #answered(progress: Progress, position: number): void {
    const { upload, staged, refused } = progress
    progress.answered += 1
    if (progress.answered < upload.pieces.length) return
    const total = upload.pieces[0]?.total ?? 0
    if (!refused && staged === total) {
      this.#outlet.wish({ type: 'hash', of: position, key: upload.key, prefix: upload.prefix })
      return
    }
    if (!refused && staged === 0) upload.unknown()
    else if (!refused) upload.have(staged)
    this.#finish()
  }

  #hashed(progress: Progress, position: number, hash: Uint8Array | 'gone'): void {
    const { upload } = progress
    if (hash === 'gone') {
      upload.have(0)
    } else if (equalBytes(hash.subarray(0, ID_BYTES), upload.id)) {
      upload.whole()
    } else {
      this.#refuse(progress, 'BAD_HASH', 'The id is not the hash of the payload')
      this.#outlet.wish({ type: 'drop', of: position, key: upload.key })
      return
    }
    this.#finish()
  }

  /** For its first reason only. */
  #refuse(progress: Progress, code: Code, message: string): void {
    if (!progress.refused) progress.upload.refuse(code, message)
    progress.refused = true
  }

  #finish(): void {
    this.#unfinished -= 1
  }
}

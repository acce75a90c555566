// The frames of version 1 as values: what each says, in which units, and who sends it.
// How they stand as bytes is codec.ts; when they may be sent is legality.ts; docs/protocol.md is normative.
import type { Code } from './codes.ts'

/** Type numbers on the wire. A number with bit 0x40 set may be ignored by a reader that does not know it. */
export const FRAME_TYPE = {
  HELLO: 0x01,
  WELCOME: 0x02,
  FEED: 0x03,
  FEED_PAGE: 0x04,
  OPEN: 0x05,
  OPENED: 0x06,
  PUSH: 0x07,
  HAVE: 0x08,
  ACK: 0x09,
  REFUSED: 0x0a,
  SNAPSHOT: 0x0b,
  ENTRIES: 0x0c,
  MARK: 0x0d,
  SYNCED: 0x0e,
  REPAIR: 0x0f,
  LEASE: 0x10,
  LEASED: 0x11,
  SNAPSHOT_PUT: 0x12,
  COMPACTED: 0x13,
  DELETE: 0x14,
  DELETED: 0x15,
  CREDIT: 0x16,
  ERROR: 0x17,
  END: 0x18,
  DONE: 0x19,
  AWARENESS: 0x41,
} as const

export type FrameName = keyof typeof FRAME_TYPE

/** What a device sends. */
export type DeviceFrameName =
  | 'HELLO'
  | 'FEED'
  | 'OPEN'
  | 'PUSH'
  | 'REPAIR'
  | 'LEASE'
  | 'SNAPSHOT_PUT'
  | 'DELETE'
  | 'CREDIT'
  | 'END'
  | 'AWARENESS'
/** What a relay sends, beside the AWARENESS that it passes on. */
export type RelayFrameName = Exclude<FrameName, DeviceFrameName>

/** First frame of a device in every session. */
export interface Hello {
  readonly type: 'HELLO'
  /** Highest and lowest protocol version that the device speaks. */
  readonly versionMax: number
  readonly versionMin: number
  /** 16 random bytes, one per device store. */
  readonly deviceId: Uint8Array
  /** Empty where an Authorization header carries it (HTTP). */
  readonly token: string
  /** Payload bytes (ENTRIES, SNAPSHOT) that the relay may send before the first CREDIT. */
  readonly receiveWindowBytes: number
  /** Program and version, for a person who reads a log, at most 64 bytes of UTF-8. */
  readonly clientName: string
}

/** First frame of the relay once the token is verified. */
export interface Welcome {
  readonly type: 'WELCOME'
  readonly version: number
  /** 16 bytes that change when the relay's data was restored or begun anew. */
  readonly epoch: Uint8Array
  readonly limits: AnnouncedLimits
  /** Milliseconds since 1970. */
  readonly relayTimeMs: number
}

/** What holds after WELCOME, for this session. */
export interface AnnouncedLimits {
  readonly messageBytesMax: number
  /** Bytes of one payload, whole. */
  readonly entryBytesMax: number
  /** Bytes of a payload's piece in one PUSH or SNAPSHOT_PUT. */
  readonly pieceBytesMax: number
  /** Channels open at once. */
  readonly channelsMax: number
}

/** Asks which documents of a vault have changed since a feed mark (empty: all of them). */
export interface Feed {
  readonly type: 'FEED'
  readonly vault: string
  readonly mark: Uint8Array
}

export interface FeedPage {
  readonly type: 'FEED_PAGE'
  readonly vault: string
  /** OK; RESET: the mark was not of this feed, the whole feed follows; DENIED: no grant covers anything in this vault. */
  readonly status: 'OK' | 'RESET' | 'DENIED'
  readonly documents: readonly FeedDocument[]
  /** Covers everything listed so far. Empty only with DENIED. */
  readonly mark: Uint8Array
  /** Another page of this vault follows. */
  readonly more: boolean
}

export interface FeedDocument {
  readonly documentId: string
  /** 8 bytes, see SYNCED. */
  readonly tag: Uint8Array
  readonly deleted: boolean
}

/** Opens a channel on a document. Channel numbers are the device's choice, from 1; one that is open must not be opened again. */
export interface Open {
  readonly type: 'OPEN'
  readonly channel: number
  readonly documentId: string
  /** Wants the entries after `mark`. */
  readonly pull: boolean
  /** May send PUSH on this channel; needs write. */
  readonly push: boolean
  readonly linger: boolean
  /** Begin the document anew where a tombstone stands. */
  readonly create: boolean
  readonly reseeding: boolean
  /** 16 bytes, or empty where none was ever learned. */
  readonly incarnation: Uint8Array
  /** Empty: none. */
  readonly mark: Uint8Array
  readonly receipt: Uint8Array
  /** What this device asserts of the document's state at `mark`. */
  readonly claim: Claim | null
  /** A payload of which this device already has the first bytes. */
  readonly partial: Partial | null
}

export interface Claim {
  /** 16 bytes. */
  readonly digest: Uint8Array
  /** canon version, Yjs major.minor, digest key id: compared as a string. */
  readonly profile: string
  /** The repair generation under which it was made, 8 bytes: a claim from before a repair says nothing. */
  readonly generation: Uint8Array
}

export interface Partial {
  /** Push id or snapshot id, 16 bytes. */
  readonly id: Uint8Array
  readonly offset: number
}

export interface Opened {
  readonly type: 'OPENED'
  readonly channel: number
  /**
   * OK: served from the mark. NEW: no such document yet. RESET: the bookmarks are not of this log; served from its
   * beginning. DELETED: a tombstone stands here; nothing is served.
   */
  readonly status: 'OK' | 'NEW' | 'RESET' | 'DELETED'
  /** 16 bytes; empty where there is no log. */
  readonly incarnation: Uint8Array
  /** What will be served on this channel, for a progress bar. An estimate: pushes of others may add to it. */
  readonly entriesToCome: number
  readonly bytesToCome: number
  /** Repair generation, 8 bytes. */
  readonly generation: Uint8Array
  readonly urgency: 'NONE' | 'LOW' | 'HIGH'
  readonly claimWanted: boolean
  readonly turn: 'NONE' | 'YOURS' | 'WAIT'
  /** Milliseconds, with turn WAIT; else 0. */
  readonly turnWaitMs: number
}

/** One payload, or a piece of it. `offset` 0 and `bytes` of `total` length: whole. No bytes: asks what is staged (HAVE). */
export interface Push {
  readonly type: 'PUSH'
  readonly channel: number
  /** SHA-256(format byte, payload), its first 16 bytes. */
  readonly pushId: Uint8Array
  /** What the payload is, for its readers: 1 = a Yjs update in format 1, plain. */
  readonly format: number
  readonly total: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Answers a PUSH or SNAPSHOT_PUT that did not complete its payload. */
export interface Have {
  readonly type: 'HAVE'
  readonly channel: number
  readonly id: Uint8Array
  /** Bytes from the beginning that the relay holds: send from here. */
  readonly staged: number
}

/** The entry is on disk, flushed. */
export interface Ack {
  readonly type: 'ACK'
  readonly channel: number
  readonly pushId: Uint8Array
  /** The bookmark at this entry. */
  readonly receipt: Uint8Array
}

export interface Refused {
  readonly type: 'REFUSED'
  readonly channel: number
  readonly pushId: Uint8Array
  readonly code: Code
  readonly retryAfterMs: number
  /** For a person, at most 256 bytes of UTF-8. */
  readonly message: string
}

/** A piece of a snapshot; its first bytes are its header. */
export interface Snapshot {
  readonly type: 'SNAPSHOT'
  readonly channel: number
  readonly snapshotId: Uint8Array
  readonly total: number
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface Entries {
  readonly type: 'ENTRIES'
  readonly channel: number
  /** In log order, at least one. Only the last may be unfinished; its payload goes on in the next ENTRIES of this channel. */
  readonly entries: readonly Entry[]
}

export interface Entry {
  readonly pushId: Uint8Array
  readonly format: number
  readonly total: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Everything of this log up to `mark` has now been given on this channel. */
export interface Mark {
  readonly type: 'MARK'
  readonly channel: number
  readonly mark: Uint8Array
}

/** All that this OPEN asked for has been given. Ends the channel unless it lingers. */
export interface Synced {
  readonly type: 'SYNCED'
  readonly channel: number
  /** Empty where there is no log, or nothing was pulled. */
  readonly mark: Uint8Array
  /** First 8 bytes of SHA-256(head chain, repair generation); zeros where there is no log. */
  readonly tag: Uint8Array
  readonly confirmed: boolean
  readonly otherDevices: number
}

export interface Repair {
  readonly type: 'REPAIR'
  readonly channel: number
  readonly reason: 'CANNOT_DECRYPT' | 'CANNOT_APPLY' | 'GAP' | 'DIGEST'
  /** 16 bytes that name the cause. */
  readonly fingerprint: Uint8Array
}

export interface Lease {
  readonly type: 'LEASE'
  readonly channel: number
  readonly mark: Uint8Array
}

export interface Leased {
  readonly type: 'LEASED'
  readonly channel: number
  /** OK, or why not. */
  readonly code: Code
  readonly fence: number
  /** Milliseconds from now. */
  readonly deadlineMs: number
}

export interface SnapshotPut {
  readonly type: 'SNAPSHOT_PUT'
  readonly channel: number
  readonly fence: number
  /** Under which it was made: it stands for all entries up to there. */
  readonly mark: Uint8Array
  /** SHA-256 of the whole, its first 16 bytes. */
  readonly snapshotId: Uint8Array
  readonly total: number
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface Compacted {
  readonly type: 'COMPACTED'
  readonly channel: number
  readonly code: Code
}

export interface Delete {
  readonly type: 'DELETE'
  readonly channel: number
  readonly mark: Uint8Array
}

export interface Deleted {
  readonly type: 'DELETED'
  readonly channel: number
  readonly code: Code
}

/** y-protocols awareness. Both ways, lingering channels only, never stored. */
export interface Awareness {
  readonly type: 'AWARENESS'
  readonly channel: number
  readonly bytes: Uint8Array
}

/** Adds to what the relay may send. */
export interface Credit {
  readonly type: 'CREDIT'
  readonly bytes: number
}

export interface ErrorFrame {
  readonly type: 'ERROR'
  /** 0: the whole connection, which the relay then closes; else the channel, which this ends unless it is UNSUPPORTED. */
  readonly channel: number
  readonly code: Code
  readonly retryable: boolean
  readonly retryAfterMs: number
  /** For a person, at most 256 bytes of UTF-8; names what is wrong. */
  readonly message: string
}

/** The device has nothing more for now; everything it sent is to be answered. */
export interface End {
  readonly type: 'END'
}

/** Everything before END has been answered. */
export interface Done {
  readonly type: 'DONE'
  /** The receive window is full: there is more, ask again from the marks (HTTP). */
  readonly more: boolean
  /** Come back no sooner than this; 0: when you like. */
  readonly returnAfterMs: number
}

export type Frame =
  | Hello
  | Welcome
  | Feed
  | FeedPage
  | Open
  | Opened
  | Push
  | Have
  | Ack
  | Refused
  | Snapshot
  | Entries
  | Mark
  | Synced
  | Repair
  | Lease
  | Leased
  | SnapshotPut
  | Compacted
  | Delete
  | Deleted
  | Awareness
  | Credit
  | ErrorFrame
  | End
  | Done

export type FrameOf<Name extends FrameName> = Extract<Frame, { type: Name }>

export type DeviceFrame = FrameOf<DeviceFrameName>
export type RelayFrame = FrameOf<RelayFrameName | 'AWARENESS'>

// What a payload may be: the format byte of PUSH and ENTRIES, and of a snapshot's header.

/** A plain Yjs update in format 1. */
export const FORMAT_YJS_1 = 1
/** The same in an envelope: docs/protocol.md, "Encryption". */
export const FORMAT_SEALED_YJS_1 = 17
/** A whole snapshot that is held; beyond what a format byte can say, so never on the wire. */
export const FORMAT_SNAPSHOT = 256

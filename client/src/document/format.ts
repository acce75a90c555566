// What a payload may be: the format byte of PUSH and ENTRIES.

/** A plain Yjs update in format 1. */
export const FORMAT_YJS_1 = 1

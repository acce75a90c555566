// What can go wrong, as numbers on the wire and names in code, and whether to try again.

/** Codes in REFUSED, ERROR, LEASED, COMPACTED and DELETED. Names are stable; numbers are the wire's. */
export const CODE = {
  OK: 0,
  MALFORMED: 1,
  TOKEN: 2,
  FORBIDDEN: 3,
  VERSION: 4,
  DEADLINE: 5,
  OVERLOADED: 6,
  RATE: 7,
  QUOTA: 8,
  STORAGE: 9,
  FAULT: 10,
  RESTARTING: 11,
  TOO_LARGE: 12,
  DENIED: 13,
  READ_ONLY: 14,
  BAD_HASH: 15,
  LEASE_LOST: 16,
  SNAPSHOT_GONE: 17,
  DELETED: 18,
  CHANGED: 19,
  UNSUPPORTED: 20,
  ORIGIN: 21,
} as const

export type Code = keyof typeof CODE

/** WebSocket close codes (RFC 6455 section 7.4.2 leaves 4000 to 4999 to applications), and what each stands for. */
export const CLOSE_CODE: Readonly<Partial<Record<Code, number>>> = {
  OK: 1000,
  RESTARTING: 1012,
  ORIGIN: 1008,
  TOO_LARGE: 1009,
  FAULT: 1011,
  OVERLOADED: 1013,
  MALFORMED: 4400,
  TOKEN: 4401,
  FORBIDDEN: 4403,
  VERSION: 4406,
  DEADLINE: 4408,
  QUOTA: 4413,
  RATE: 4429,
  STORAGE: 4507,
}

/** A device tries again after these, with full jitter and no sooner than asked; TOKEN once, with a fresh token. */
export const RETRYABLE: ReadonlySet<Code> = new Set<Code>([
  'RESTARTING',
  'FAULT',
  'OVERLOADED',
  'DEADLINE',
  'RATE',
  'STORAGE',
])

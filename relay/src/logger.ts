// What the relay asks of a logger: the four calls of pino that it uses. It never gives a token or a secret to one.

/** Any pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

const SAY_EVERY_MS = 10_000

/** Says a thing at most every ten seconds, and then how often it kept it to itself meanwhile. */
export class SparingLog {
  readonly #logger: Logger
  readonly #things = new Map<string, { saidAtMs: number; unsaid: number }>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** `thing`: one of a few. */
  error(nowMs: number, thing: string, fields: object, message: string): void {
    const before = this.#things.get(thing)
    if (before !== undefined && nowMs - before.saidAtMs < SAY_EVERY_MS) {
      before.unsaid += 1
      return
    }
    this.#logger.error({ ...fields, unsaid: before?.unsaid ?? 0 }, message)
    this.#things.set(thing, { saidAtMs: nowMs, unsaid: 0 })
  }
}

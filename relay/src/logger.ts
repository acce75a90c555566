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
  #saidAtMs: number = Number.NEGATIVE_INFINITY
  #unsaid = 0

  constructor(logger: Logger) {
    this.#logger = logger
  }

  error(nowMs: number, fields: object, message: string): void {
    if (nowMs - this.#saidAtMs < SAY_EVERY_MS) {
      this.#unsaid += 1
      return
    }
    this.#logger.error({ ...fields, unsaid: this.#unsaid }, message)
    this.#saidAtMs = nowMs
    this.#unsaid = 0
  }
}

// What the relay asks of a logger: the four calls of pino that it uses. It never gives a token or a secret to one.

/** Any pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

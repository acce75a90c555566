// The relay as a library: a list of names.
export { RelayError, type RelayErrorCode } from './errors.ts'
export type { Limits } from './limits.ts'
export type { Logger } from './logger.ts'
export type { RelayOptions } from './options.ts'
export { createRelay, type Relay } from './relay.ts'
export type { RelayStore } from './store/contract.ts'
export { memoryRelayStore } from './store/memory.ts'

// What a key-value storage has to offer to hold a device store. A few lines wrap nearly any of them; async-storage.ts,
// mmkv.ts and sqlite.ts are examples. Nothing here asks for more than one key at a time to be written safely.
type Awaitable<Result> = Result | Promise<Result>

interface Backend<Value> {
  /** The object that holds the data: a second store on it, under the same name, is refused as IN_USE. */
  readonly storage: object
  /** The longest value, in characters or bytes, that can be stored and read back. At least 1024; longer ones are cut. */
  readonly valueLengthMax: number
  /** All keys, in any order; those of others are passed over. */
  keys(): Awaitable<readonly string[]>
  /** One value for each key, in their order; null or undefined where there is none. */
  get(keys: readonly string[]): Awaitable<readonly (Value | null | undefined)[]>
  /**
   * Resolves, or returns, when all are as durable as the storage can make them. Each value is stored whole or not at all;
   * together they need not be, and their order does not matter. Throws when one of them cannot be stored:
   * a DeviceStoreError FULL, or any error whose name or message says that space ran out, is taken for a full disk.
   */
  set(entries: readonly (readonly [key: string, value: Value])[]): Awaitable<void>
  /** A key that is not there is passed over. */
  remove(keys: readonly string[]): Awaitable<void>
}

/** A storage of strings, such as AsyncStorage: the store writes base64, which is ASCII. */
export interface StringBackend extends Backend<string> {
  readonly values: 'strings'
}

/** A storage of bytes, such as MMKV or SQLite. Bytes that were given or returned are not changed afterwards. */
export interface BytesBackend extends Backend<Uint8Array> {
  readonly values: 'bytes'
}

export type KeyValueBackend = StringBackend | BytesBackend

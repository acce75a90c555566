// Loads every entry point of the packed packages and looks for the names that it promises.
const promised = {
  '@tidemark/protocol': [],
  '@tidemark/client': ['Tidemark', 'TidemarkError', 'memoryStore'],
  '@tidemark/client/node': ['Tidemark', 'TidemarkError', 'memoryStore', 'fileStore'],
  '@tidemark/client/indexeddb': ['indexedDbStore'],
  '@tidemark/client/key-value': ['keyValueStore', 'asyncStorageBackend', 'mmkvBackend', 'sqliteBackend'],
  '@tidemark/client/react': ['useDocument', 'useSyncStatus'],
  '@tidemark/relay': ['createRelay'],
}

for (const [entry, names] of Object.entries(promised)) {
  const exported = await import(entry)
  for (const name of names)
    if (typeof exported[name] !== 'function') throw new Error(`${entry} does not export ${name}`)
}

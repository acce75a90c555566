// The device store for browsers, Electron renderers and Capacitor.
export { indexedDbStore } from './indexeddb-store.ts'

export * from '../index.ts'
export { fileStore } from './file-store.ts'
export { Tidemark } from './tidemark.ts'

// The hooks for React 18 and later. React is the app's own, and an optional peer dependency.
export { type DocumentState, useDocument } from './use-document.ts'
export { useSyncStatus } from './use-sync-status.ts'

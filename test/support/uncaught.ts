// What nobody caught, while a test runs that has the app throw.
import { onTestFinished } from 'vitest'

export function catchUncaught(): readonly unknown[] {
  const uncaught: unknown[] = []
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', (error) => uncaught.push(error))
  onTestFinished(() => {
    process.removeAllListeners('unhandledRejection')
    for (const other of others) process.on('unhandledRejection', other)
  })
  return uncaught
}

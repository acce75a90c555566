// Ends the process for good. Node first waits for its threads, and one that hangs on a disk never comes back: then
// another process ends this one.
import { spawn } from 'node:child_process'

const PATIENCE_MS = 1_000

/** Ends this process with the exit code; if that does not succeed within a second, with SIGKILL. */
export function endProcess(exitCode: number): never {
  // Only the child of a parent that still lives acts: a number that was given to another process by then is not hit.
  const script = `setTimeout(() => process.ppid === ${process.pid} && process.kill(${process.pid}, 'SIGKILL'), ${PATIENCE_MS})`
  const guard = spawn(process.execPath, ['--eval', script], { detached: true, stdio: 'ignore' })
  // Without the guard the process ends all the same, unless a thread hangs.
  guard.once('error', () => undefined).unref()
  process.exit(exitCode)
}

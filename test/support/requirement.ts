// Tests that need something which not every machine has: skipped with the reason where it is absent, failed instead
// where the checks run (TIDEMARK_CI=1), so that nothing is left out there unnoticed.
import { execFileSync } from 'node:child_process'
import { it } from 'vitest'

export type DefineTest = (title: string, body: () => Promise<void>, timeoutMs?: number) => void

/** `missing`: what the machine lacks, in words; null where it lacks nothing. */
export function itRequiring(missing: string | null): DefineTest {
  if (missing === null) return (title, body, timeoutMs) => void it(title, body, timeoutMs)
  if (process.env.TIDEMARK_CI === '1') {
    return (title) =>
      void it(title, () => {
        throw new Error(`This test must run here (TIDEMARK_CI=1), but ${missing}`)
      })
  }
  return (title, body) => void it.skip(`${title} (skipped: ${missing})`, body)
}

/** Null where the program runs. */
export function missingProgram(program: string, args: readonly string[]): string | null {
  try {
    execFileSync(program, [...args], { stdio: 'ignore' })
    return null
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `${program} does not run: ${reason}`
  }
}

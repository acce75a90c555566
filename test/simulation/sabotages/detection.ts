// The mutation check: with a safeguard taken away, some seed must fail that passes with it.
import { runSeed } from '../run.ts'
import type { Sabotage } from '../sabotage.ts'
import type { Script } from './directed.ts'
import type { Mix } from './mixes.ts'

const SEEDS_MAX = 300

/** The first seed that fails without the safeguard; 0: none of many does. @throws RunFailure when it fails with it, too */
export async function seedsUntilNoticed(
  name: string,
  sabotage: Sabotage,
  mix: Mix,
  seedsMax: number = SEEDS_MAX,
): Promise<number> {
  for (let seed = 1; seed <= seedsMax; seed++) {
    // Most safeguards have nothing to do with encryption, and show soonest without.
    const plan = { isEncrypted: false, ...mix(seed) }
    const why = await failureOf(runSeed(seed, { plan, sabotage }))
    if (why === null) continue
    // It was the sabotage that failed, and nothing else.
    await runSeed(seed, { plan })
    process.stdout.write(`${name}: noticed by seed ${seed}: ${why}\n`)
    return seed
  }
  process.stdout.write(`${name}: not noticed by ${seedsMax} seeds\n`)
  return 0
}

/** What is wrong at the end of a script without the safeguard; null: nothing. @throws when something is wrong with it, too */
export async function noticedBy(script: Script, sabotage: Sabotage): Promise<string | null> {
  await script({})
  const restore = sabotage.patch?.()
  try {
    return await failureOf(script(sabotage))
  } finally {
    restore?.()
  }
}

/** In one line. */
async function failureOf(run: Promise<unknown>): Promise<string | null> {
  try {
    await run
    return null
  } catch (error) {
    const [line = ''] = String((error as Error).message).split('\n')
    return line
  }
}

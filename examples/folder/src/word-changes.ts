// What was changed between two texts, in words. It takes no longer where they have nothing in common: a chapter that was written
// anew must not stop the command for minutes.
import { type Run, runsBetween } from './runs.ts'

/** At `at` in the text before: `removed` characters went, and `added` came. */
export interface Change {
  readonly at: number
  readonly removed: number
  readonly added: string
}

/**
 * Words, and single characters between them; a character where words are not set apart. No token splits a surrogate pair.
 */
const TOKENS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}\p{M}]+|./gsu
/** Paragraphs. */
const LINES = /[^\n]*\n|[^\n]+/g

/** In the order of the text; the positions are those of the text before all changes. */
export function changesBetween(before: string, after: string): readonly Change[] {
  const changes: Change[] = []
  // Paragraphs first: of what stands behind a scene that was cut, every word is where it was.
  for (const { at, removed, added } of replacedIn(before.match(LINES) ?? [], after.match(LINES) ?? [], 0)) {
    for (const words of replacedIn(removed.match(TOKENS) ?? [], added.match(TOKENS) ?? [], at)) {
      changes.push(shortened(words))
    }
  }
  return changes
}

interface Replaced {
  readonly at: number
  readonly removed: string
  readonly added: string
}

function replacedIn(old: readonly string[], now: readonly string[], start: number): readonly Replaced[] {
  let [token, at] = [0, start]
  return joinedAcrossScraps(runsBetween(old, now), old).map((run) => {
    for (; token < run.before; token++) at += old[token]?.length ?? 0
    const [removed, added] = [old.slice(run.before, run.beforeEnd), now.slice(run.after, run.afterEnd)]
    return { at, removed: removed.join(''), added: added.join('') }
  })
}

/** A word of which more was written is added to, not replaced. */
function shortened({ at, removed, added }: Replaced): Change {
  if (added.startsWith(removed)) return { at: at + removed.length, removed: 0, added: added.slice(removed.length) }
  if (added.endsWith(removed)) return { at, removed: 0, added: added.slice(0, added.length - removed.length) }
  if (removed.startsWith(added)) return { at: at + added.length, removed: removed.length - added.length, added: '' }
  if (removed.endsWith(added)) return { at, removed: removed.length - added.length, added: '' }
  return { at, removed: removed.length, added }
}

/**
 * Blanks and single words that happen to be in both versions of a sentence do not hold it together: where two writers wrote it
 * anew at once, their words would alternate.
 */
function joinedAcrossScraps(runs: readonly Run[], old: readonly string[]): readonly Run[] {
  const joined: Run[] = []
  for (const run of runs) {
    let current = { ...run }
    for (let last = joined.at(-1); last !== undefined; last = joined.at(-1)) {
      const scrap = current.before - last.beforeEnd
      if (scrap > sizeOf(last) || scrap > sizeOf(current) || isParagraphEnd(old, last.beforeEnd, current.before)) break
      current = { before: last.before, beforeEnd: current.beforeEnd, after: last.after, afterEnd: current.afterEnd }
      joined.pop()
    }
    joined.push(current)
  }
  return joined
}

/** Tokens that were replaced: of what was only added, or only removed, nothing around it is to be written anew. */
function sizeOf({ before, beforeEnd, after, afterEnd }: Run): number {
  return Math.min(beforeEnd - before, afterEnd - after)
}

function isParagraphEnd(tokens: readonly string[], start: number, end: number): boolean {
  return tokens.slice(start, end).includes('\n')
}

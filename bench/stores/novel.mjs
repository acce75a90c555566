// A novel as a writer types it: key by key at a cursor that moves on, jumps back now and then, and takes something back.
// The same for the same seed.
const JUMP_CHANCE = 0.01
const DELETE_CHANCE = 0.2

/** Types `edits` edits of one character, each in a transaction of its own, and awaits `pause` after every `atOnce`. */
export async function type(text, { edits, atOnce, pause }) {
  const chance = seeded(1)
  let cursor = 0
  for (let edit = 1; edit <= edits; edit += 1) {
    if (chance() < JUMP_CHANCE) cursor = Math.floor(chance() * text.length)
    if (cursor > 0 && chance() < DELETE_CHANCE) {
      cursor -= 1
      text.delete(cursor, 1)
    } else {
      text.insert(cursor, 'etaoin shrdlu'.charAt(Math.floor(chance() * 13)))
      cursor += 1
    }
    if (edit % atOnce === 0) await pause()
  }
}

/** Numbers from 0 to below 1 (a linear congruential generator). */
function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

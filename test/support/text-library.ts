// A library of texts as writers have them: many notes, some chapters, a few books. Of any number of documents and bytes, and
// the same each time.

export interface LibraryText {
  readonly id: string
  readonly text: string
}

/** About kilobytes, before they are scaled to the bytes that are wanted. */
const BOOK = 4_600
const PART = 1_000
const CHAPTER = 140
const NOTES = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 20]

/** Texts of `bytes` ASCII characters in all. */
export function textLibrary(vault: string, documents: number, bytes: number): readonly LibraryText[] {
  const weights = Array.from({ length: documents }, (_, number) => weightOf(number))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const letters = randomLetters(8 * 1024)
  return weights.map((weight, number) => {
    const length = Math.max(1, Math.round((bytes * weight) / sum))
    const text = letters.repeat(Math.ceil(length / letters.length) + 1)
    const from = (number * 31) % letters.length
    return { id: `${vault}/text ${number}`, text: `${number}: ${text.slice(from)}`.slice(0, length) }
  })
}

function weightOf(number: number): number {
  if (number % 100 === 0) return BOOK
  if (number % 33 === 0) return PART
  if (number % 8 === 1) return CHAPTER
  return NOTES[number % NOTES.length] as number
}

function randomLetters(length: number): string {
  let state = 7
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return 'etaoin shrdlu, cmfwyp. '.charAt(Math.floor((state / 2 ** 32) * 23))
  }).join('')
}

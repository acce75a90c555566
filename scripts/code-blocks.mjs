// Finds the code in the pages for an app developer, and writes each block into a file of its own, for a compiler. A block keeps the
// lines that it has in its page, so what the compiler names is the page and the line. Looks at no code and changes none.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './prepare.mjs'

const BLOCK = /^```(tsx?|js)\n([\s\S]*?)^```$/gm
const OF_NODE = /from '(node:|electron'|@tidemark\/(relay|client\/node)')/

/** Writes `browser/PAGE-LINE.ts` or `node/PAGE-LINE.ts` into `directory`, by what the block imports; LINE is its first. */
export function writeCodeBlocks(directory) {
  for (const page of pages()) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const { 1: language, 2: code, index } of text.matchAll(BLOCK)) {
      const linesBefore = text.slice(0, index).split('\n').length
      const place = OF_NODE.test(code) ? 'node' : 'browser'
      const file = join(directory, place, `${page}-${linesBefore + 1}.${language}`)
      mkdirSync(dirname(file), { recursive: true })
      // A module, whatever it imports: what a block declares is its own.
      writeFileSync(file, `${'\n'.repeat(linesBefore)}${code}export {}\n`)
    }
  }
}

function pages() {
  const documents = ['encryption', 'statuses', 'stores'].map((name) => `docs/${name}.md`)
  const guide = readdirSync(join(root, 'docs', 'guide')).map((name) => `docs/guide/${name}`)
  const examples = readdirSync(join(root, 'examples')).map((name) => `examples/${name}/README.md`)
  return ['README.md', ...documents, ...guide, ...examples].filter((page) => existsSync(join(root, page)))
}

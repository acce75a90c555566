// Turns the README and docs/*.md into pages beside the demo's. Links to what is not served become plain text.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Marked } from 'marked'

const root = fileURLToPath(new URL('../../', import.meta.url))
const ABOUT = 'about.html'

/** Writes about.html (the README) and docs/NAME.html into `directory`. */
export function buildDocuments(directory) {
  const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  const pages = new Map([
    ['README.md', ABOUT],
    ...documents.map((name) => [`docs/${name}`, `docs/${basename(name, '.md')}.html`]),
  ])
  for (const [source, page] of pages) {
    const file = join(directory, page)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, toHtml(source, page, pages))
  }
}

function toHtml(source, page, pages) {
  const marked = new Marked({ gfm: true })
  const up = '../'.repeat(page.split('/').length - 1)
  marked.use({
    renderer: {
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens)
        if (/^(https?:|#)/.test(href)) return `<a href="${escapeHtml(href)}">${text}</a>`
        const [path, anchor] = href.split('#')
        const served = pages.get(posix.join(posix.dirname(source), path))
        if (served === undefined) return text
        return `<a href="${escapeHtml(up + served + (anchor === undefined ? '' : `#${anchor}`))}">${text}</a>`
      },
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${slugOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
      },
    },
  })
  const text = readFileSync(join(root, source), 'utf8')
  const title = /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? 'Tidemark'
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escapeHtml(title)}</title>
    <link rel="icon" href="${up}icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="${up}page.css">
  </head>
  <body>
    <main class="reading">
      <p class="wordmark"><a href="${up || './'}">Back to the two devices</a></p>
${marked.parse(text)}    </main>
  </body>
</html>
`
}

/** As GitHub names the headings, so that links between the documents work in both places. */
function slugOf(text) {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}

function escapeHtml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}

// What a writer does on the page of examples/novel-web, in a browser or in the window of a desktop app.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'

export const EVENTUALLY = { timeout: 20_000, interval: 50 }

/** The directory of what a workspace has built, as a `file:` URL. @throws where it is not built */
export function builtPage(directory: string): string {
  const url = new URL(`../../${directory}/`, import.meta.url)
  if (!existsSync(fileURLToPath(new URL('index.html', url))))
    throw new Error(`${directory} is not built: run \`npm run build\` first`)
  return url.href
}

export class NovelPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  get editor(): Locator {
    return this.page.locator('.cm-content')
  }

  /** At the end of the list, with the title typed into it. */
  async addChapter(title: string): Promise<void> {
    await this.page.getByRole('button', { name: 'New chapter' }).click()
    await expect.poll(() => this.page.getByLabel('Chapter title').inputValue(), EVENTUALLY).toBe('')
    await this.page.getByLabel('Chapter title').fill(title)
  }

  async showChapter(title: string): Promise<void> {
    await this.page.getByRole('link', { name: title }).click()
    await this.editor.waitFor()
  }

  /** `at`: a key that says where, in the way that writers go there. */
  async type(text: string, at: 'ControlOrMeta+Home' | 'ControlOrMeta+End' = 'ControlOrMeta+End'): Promise<void> {
    await this.editor.focus()
    await this.page.keyboard.press(at)
    await this.page.keyboard.type(text)
  }

  /** At the caret. */
  async paste(text: string): Promise<void> {
    await this.editor.evaluate((editor, pasted) => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', pasted)
      editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }, text)
  }

  text(): Promise<string> {
    return this.editor
      .locator('.cm-line')
      .evaluateAll((lines) =>
        lines.map((line) => (line.querySelector('.cm-placeholder') ? '' : line.textContent)).join('\n'),
      )
  }

  async expectText(expected: string): Promise<void> {
    await expect.poll(() => this.text(), EVENTUALLY).toBe(expected)
  }

  async expectSafety(expected: string): Promise<void> {
    await expect.poll(() => this.page.locator('header .safety').textContent(), EVENTUALLY).toBe(expected)
  }
}

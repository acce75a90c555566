// A text editor bound to a document's text: CodeMirror and its Yjs binding, dressed as a sheet of paper.
import { defaultKeymap } from '@codemirror/commands'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import { type Doc, UndoManager } from 'yjs'

const TEXT_NAME = 'text'

export interface EditorOptions {
  readonly label: string
  readonly placeholder: string
}

/** @returns the function that takes the editor away */
export function mountEditor(parent: HTMLElement, doc: Doc, options: EditorOptions): () => void {
  const text = doc.getText(TEXT_NAME)
  const undoManager = new UndoManager(text)
  const state = EditorState.create({
    doc: text.toString(),
    extensions: [
      keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
      drawSelection(),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({
        'aria-label': options.label,
        spellcheck: 'false',
        autocapitalize: 'sentences',
      }),
      placeholder(options.placeholder),
      // Without awareness: nobody's cursor is live where nobody is connected.
      yCollab(text, null, { undoManager }),
    ],
  })
  const view = new EditorView({ parent, state })
  return () => {
    view.destroy()
    undoManager.destroy()
  }
}

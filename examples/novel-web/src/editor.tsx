// The text of a chapter in CodeMirror, which keeps the caret where it belongs when words of another device come in, also while a
// keyboard composes. Undo takes back this writer's own words only.
import { defaultKeymap } from '@codemirror/commands'
import { EditorState } from '@codemirror/state'
import { EditorView, keymap, placeholder } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import { type Text, UndoManager } from 'yjs'

export function Editor({ text, label }: { readonly text: Text; readonly label: string }) {
  const parent = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (parent.current === null) return
    const undoManager = new UndoManager(text)
    const view = new EditorView({ parent: parent.current, state: stateOf(text, label, undoManager) })
    return () => {
      view.destroy()
      undoManager.destroy()
    }
  }, [text, label])
  return <div className="editor" ref={parent} />
}

function stateOf(text: Text, label: string, undoManager: UndoManager): EditorState {
  const attributes = { 'aria-label': label, spellcheck: 'true', autocorrect: 'on', autocapitalize: 'sentences' }
  return EditorState.create({
    doc: text.toString(),
    extensions: [
      // Devices meet in bursts: nobody's cursor is live.
      yCollab(text, null, { undoManager }),
      keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of(attributes),
      placeholder('Once upon a time…'),
    ],
  })
}

// A title of the novel or of a chapter, written where it stands. Of two devices that change it at once, one wins.
import { useEffect, useRef } from 'react'
import type { Map as SharedMap } from 'yjs'
import { titleOf } from './novel.ts'
import { useShared } from './use-shared.ts'

interface TitleFieldProps {
  readonly fields: SharedMap<unknown>
  readonly label: string
  readonly placeholder: string
  /** Something new is shown: its title comes first. */
  readonly isFocusedIfEmpty?: boolean
}

export function TitleField({ fields, label, placeholder, isFocusedIfEmpty = false }: TitleFieldProps) {
  const title = useShared(fields, titleOf)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (isFocusedIfEmpty && titleOf(fields) === '') input.current?.focus()
  }, [isFocusedIfEmpty, fields])
  return (
    <input
      ref={input}
      className="title"
      value={title}
      aria-label={label}
      placeholder={placeholder}
      maxLength={200}
      autoComplete="off"
      onChange={(event) => fields.set('title', event.target.value)}
    />
  )
}

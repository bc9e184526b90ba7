/**
 * A field that searches while a person types.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks"
import { Icon } from "./Icon.tsx"

interface Props {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly focusOnOpen?: boolean
}

export const Search = ({ focusOnOpen = false, label, onInput, value }: Props) => (
  <label class="search">
    <Icon name="search" />
    <span class="sr-only">{label}</span>
    <input
      type="search"
      aria-keyshortcuts="/"
      autofocus={focusOnOpen}
      placeholder={label}
      value={value}
      onInput={({ currentTarget }) => onInput(currentTarget.value)}
    />
  </label>
)

/** Milliseconds without a key before a search begins. */
const pause = 300

/** What a person types, before it becomes the search that is shown. */
export const useTyped = (
  search: string,
  onSearch: (search: string) => void
): readonly [typed: string, setTyped: (typed: string) => void] => {
  const [typed, setTyped] = useState(search)
  // The other filters may change during the pause.
  const latest = useRef(onSearch)
  latest.current = onSearch
  /** The search that was begun but is not shown yet. */
  const begun = useRef<string | undefined>(undefined)
  useEffect(() => {
    if (typed === search) return
    const wait = setTimeout(() => {
      begun.current = typed
      latest.current(typed)
    }, pause)
    return () => clearTimeout(wait)
  }, [typed])
  // The browser's Back button changes the search, too. More may have been typed since a search was begun here.
  useEffect(() => {
    if (search !== begun.current) setTyped(search)
    begun.current = undefined
  }, [search])
  return [typed, setTyped]
}

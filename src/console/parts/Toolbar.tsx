/**
 * Chooses what a list shows.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import * as Texts from "../Texts.ts"
import { useRevealed } from "./Reveal.ts"
import { Search, useTyped } from "./Search.tsx"

interface Props<Folder extends string> {
  /** The label of the folders. */
  readonly label: string
  readonly folders: ReadonlyArray<readonly [folder: Folder, label: string, count?: number]>
  readonly folder: Folder
  readonly search: string
  readonly onFolder: (folder: Folder) => void
  readonly onSearch: (search: string) => void
  /** The first of the tools. It can appear later without moving the others, which are aligned to the end of the row. */
  readonly menu?: ComponentChildren
  readonly children?: ComponentChildren
}

export function Toolbar<Folder extends string>(props: Props<Folder>) {
  const { children, folder, folders, label, menu, onFolder, onSearch, search } = props
  const [typed, setTyped] = useTyped(search, onSearch)
  const row = useRevealed(folder)
  return (
    <header class="toolbar">
      <nav class="folders" aria-label={label} ref={row}>
        {folders.map(([value, name, count = 0]) => (
          <button type="button" key={value} aria-pressed={value === folder} onClick={() => onFolder(value)}>
            <span data-text={name}>{name}</span>
            {count > 0 && <span class="count">{count}</span>}
          </button>
        ))}
      </nav>
      <div class="tools">
        {menu}
        <Search label={Texts.inbox.search} value={typed} onInput={setTyped} />
        {children}
      </div>
    </header>
  )
}

/** A tool that is on or off. */
export const Toggle = (props: {
  readonly text: string
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
}) => (
  <button type="button" class="button toggle" aria-pressed={props.isOn} onClick={() => props.onChange(!props.isOn)}>
    {props.text}
  </button>
)

/** Nothing matches, with a button that shows everything. */
export const NoMatch = ({ onClear, text }: { readonly text: string; readonly onClear: () => void }) => (
  <div class="nothing">
    <p>{text}</p>
    <button type="button" class="button" onClick={onClear}>
      {Texts.inbox.empty.clear}
    </button>
  </div>
)

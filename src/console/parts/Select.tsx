/**
 * The console's select: a field that opens a list of choices, and searches it while a person types.
 *
 * @module
 */
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks"
import * as Texts from "../Texts.ts"
import { type Choice, matching } from "./Choices.ts"
import { Icon } from "./Icon.tsx"
import { steps } from "./Menu.tsx"

/** Up to this number, a phone shows no keyboard for the search. */
const seenAtOnce = 8

interface Open {
  /** Null while all choices are shown. */
  readonly typed: string | null
  /** The place of the marked choice among those shown; -1 if none is. */
  readonly at: number
}

interface Props<A extends string> {
  readonly value: A
  readonly choices: ReadonlyArray<Choice<A>>
  readonly onChoose: (value: A) => void
  /** Gets each text that is typed, which is then a value, too. Without it, only choices are values. */
  readonly onType?: ((text: string) => void) | undefined
  /** Gets what is searched for, to add more choices; "" when the list opens. */
  readonly onSearch?: ((text: string) => void) | undefined
  /** Finds and orders the choices for what is typed. The default keeps their order. */
  readonly find?: typeof matching | undefined
  /** Stands at the end of the list, such as that there are more choices than it shows. */
  readonly note?: string | undefined
  /** Shown if nothing matches what is typed, such as what to search for instead. */
  readonly noMatch?: string | undefined
  readonly id?: string
  readonly placeholder?: string | undefined
  readonly disabled?: boolean
  readonly "aria-label"?: string
  readonly "aria-labelledby"?: string
  readonly "aria-describedby"?: string | undefined
  readonly "aria-invalid"?: boolean
}

export function Select<A extends string>({
  choices,
  find = matching,
  noMatch = Texts.lists.noMatch,
  note,
  onChoose,
  onSearch,
  onType,
  value,
  ...attributes
}: Props<A>) {
  const [open, setOpen] = useState<Open | null>(null)
  const list = useRef<HTMLDivElement>(null)
  const listId = useId()
  const shown = open === null ? [] : find(choices, open.typed ?? "")
  const isShown = open !== null && (shown.length > 0 || onType === undefined)
  const label = choices.find(([choice]) => choice === value)?.[1] ?? value

  const openAll = () => {
    onSearch?.("")
    setOpen({ typed: null, at: choices.findIndex(([choice]) => choice === value) })
  }
  const choose = (choice: Choice<A> | undefined) => {
    setOpen(null)
    if (choice !== undefined && choice[0] !== value) onChoose(choice[0])
  }

  // Above dialogs, which would cut the list off.
  useLayoutEffect(() => {
    if (isShown) list.current?.showPopover()
  }, [isShown])
  useLayoutEffect(() => {
    list.current?.querySelector(".marked")?.scrollIntoView({ block: "nearest" })
  }, [open?.at, isShown])

  const onKeyDown = (event: KeyboardEvent) => {
    const { key } = event
    if (open === null) {
      if (key !== "ArrowDown" && key !== "ArrowUp" && (key !== "Enter" || onType !== undefined)) return
      event.preventDefault()
      openAll()
    } else if (key === "Escape") {
      // Only the list closes, not the dialog around it.
      event.preventDefault()
      event.stopPropagation()
      setOpen(null)
    } else if (key === "Tab" || key === "Enter") {
      // A text that is typed and is no choice submits the form.
      if (key === "Enter" && (open.at >= 0 || onType === undefined)) event.preventDefault()
      choose(shown[open.at])
    } else {
      const step = steps[key]
      if (step === undefined || shown.length === 0) return
      event.preventDefault()
      setOpen({ ...open, at: step(key === "ArrowUp" ? Math.max(open.at, 0) : open.at, shown.length) })
    }
  }

  return (
    <div class="select">
      <input
        {...attributes}
        type="text"
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isShown}
        aria-controls={isShown ? listId : undefined}
        aria-activedescendant={open !== null && shown[open.at] !== undefined ? `${listId}-${open.at}` : undefined}
        autocomplete="off"
        spellcheck={false}
        inputmode={onType === undefined && choices.length <= seenAtOnce ? "none" : undefined}
        value={open?.typed ?? label}
        onClick={({ currentTarget }) => {
          // What is typed next replaces the label.
          if (onType === undefined) currentTarget.select()
          if (isShown) setOpen(null)
          else openAll()
        }}
        onBlur={() => setOpen(null)}
        onKeyDown={onKeyDown}
        onInput={({ currentTarget: { value: typed } }) => {
          onType?.(typed)
          onSearch?.(typed)
          setOpen({ typed, at: onType === undefined ? 0 : -1 })
        }}
      />
      <Icon name="chevron" />
      {isShown && (
        <div
          ref={list}
          id={listId}
          role="listbox"
          popover="manual"
          aria-label={Texts.frame.choices}
          class="choices"
          // The field keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
        >
          {shown.map((choice, at) => (
            <button
              type="button"
              tabIndex={-1}
              key={choice[0]}
              id={`${listId}-${at}`}
              role="option"
              class={at === open.at ? "marked" : undefined}
              aria-selected={choice[0] === value}
              onClick={() => choose(choice)}
            >
              <span class="choice">{choice[1]}</span>
              {choice[2] !== undefined && <span class="muted">{choice[2]}</span>}
              {choice[0] === value && <Icon name="check" />}
            </button>
          ))}
          {(note !== undefined || shown.length === 0) && (
            <button type="button" role="option" disabled>
              {note ?? noMatch}
            </button>
          )}
        </div>
      )}
    </div>
  )
}

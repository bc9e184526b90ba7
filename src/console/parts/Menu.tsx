/**
 * A button that opens a menu of choices, one of which may be current.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks"
import { Icon } from "./Icon.tsx"

export interface Choice<A> {
  readonly value: A
  readonly label: string
  readonly isCurrent?: boolean
  /** Whether a line separates this choice from the previous one. */
  readonly hasSeparator?: boolean
}

interface Props<A> {
  readonly label: string
  /** The content of the button. */
  readonly children: ComponentChildren
  readonly choices: ReadonlyArray<Choice<A>>
  readonly onChoose: (value: A) => void
  /** The side on which the edges of the menu and the button are aligned. */
  readonly side?: "start" | "end"
  readonly className?: string
  /** A heading above the choices. */
  readonly note?: string
  readonly hasChevron?: boolean
}

/** Where a key leads in a list of choices. */
export const steps: Readonly<Record<string, (index: number, count: number) => number>> = {
  ArrowDown: (index, count) => (index + 1) % count,
  ArrowUp: (index, count) => (index - 1 + count) % count,
  Home: () => 0,
  End: (_, count) => count - 1
}

/** The smallest distance of the choices from the sides of the window. */
const margin = 8

/** Moves choices into the window whose button is near the side that they grow towards. */
const moveIntoWindow = (list: HTMLElement): void => {
  const { left, right } = list.getBoundingClientRect()
  const shift = Math.max(margin - left, Math.min(0, document.documentElement.clientWidth - margin - right))
  if (shift !== 0) list.style.translate = `${shift}px`
}

export function Menu<A>({
  children,
  choices,
  className,
  hasChevron = true,
  label,
  note,
  onChoose,
  side = "start"
}: Props<A>) {
  const [isOpen, setOpen] = useState(false)
  const wrapper = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()

  const items = (): ReadonlyArray<HTMLElement> =>
    Array.from(wrapper.current?.querySelectorAll<HTMLElement>("[role=menuitemradio]") ?? [])

  const close = (focusesButton: boolean) => {
    setOpen(false)
    if (focusesButton) button.current?.focus()
  }

  // Runs before the page is painted, so that a key that is pressed at once reaches the choices.
  useLayoutEffect(() => {
    if (!isOpen) return
    if (list.current !== null) moveIntoWindow(list.current)
    const current = choices.findIndex(({ isCurrent }) => isCurrent)
    items()[Math.max(current, 0)]?.focus()
    const outside = (event: Event) => {
      if (!wrapper.current?.contains(event.target as Node)) setOpen(false)
    }
    const navigated = () => setOpen(false)
    document.addEventListener("pointerdown", outside)
    // The browser's Back button shows another page below the menu.
    addEventListener("hashchange", navigated)
    return () => {
      document.removeEventListener("pointerdown", outside)
      removeEventListener("hashchange", navigated)
    }
    // The choices may change while the menu is open; the focus stays.
  }, [isOpen])

  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return
      event.preventDefault()
      setOpen(true)
      return
    }
    if (event.key === "Escape") {
      event.stopPropagation()
      close(true)
      return
    }
    if (event.key === "Tab") return setOpen(false)
    // A shortcut of the browser, such as Ctrl+R.
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const all = items()
    const index = all.indexOf(document.activeElement as HTMLElement)
    const step = steps[event.key]
    const next =
      step !== undefined
        ? all[step(index, all.length)]
        : event.key.length === 1 && event.key !== " "
          ? [...all.slice(index + 1), ...all].find((item) =>
              item.textContent?.toLowerCase().startsWith(event.key.toLowerCase())
            )
          : undefined
    if (next === undefined) return
    event.preventDefault()
    next.focus()
  }

  return (
    <div class={`menu ${className ?? ""}`} ref={wrapper}>
      <button
        type="button"
        class="button"
        ref={button}
        onKeyDown={onKeyDown}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-label={label}
        onClick={() => setOpen(!isOpen)}
      >
        {children}
        {hasChevron && <Icon name="chevron" />}
      </button>
      {isOpen && (
        <div
          ref={list}
          class={`choices choices-${side}`}
          role="menu"
          tabIndex={-1}
          id={id}
          aria-label={label}
          onKeyDown={onKeyDown}
        >
          {note !== undefined && <p class="muted">{note}</p>}
          {choices.map((choice, index) => (
            <button
              type="button"
              role="menuitemradio"
              tabIndex={-1}
              key={index}
              class={choice.hasSeparator ? "apart" : undefined}
              aria-checked={choice.isCurrent === true}
              onClick={() => {
                close(true)
                onChoose(choice.value)
              }}
            >
              <span class="choice">{choice.label}</span>
              {choice.isCurrent && <Icon name="check" />}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}

/**
 * A list, and beside it what is open: whether the window has room for both, and where the focus goes when an item leaves the list, and
 * with it what had the focus, such as a button of the item or of a dialog about it.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks"

/** `styles/details.css` has the same width. */
const narrow = matchMedia("(max-width: 56rem)")

/** Whether the window has room for a list and, beside it, what is open. */
export const useIsWide = (): boolean => {
  const [isWide, setWide] = useState(!narrow.matches)
  useEffect(() => {
    const update = () => setWide(!narrow.matches)
    narrow.addEventListener("change", update)
    return () => narrow.removeEventListener("change", update)
  }, [])
  return isWide
}

/** Moves the focus to the page, which is not scrolled: the sticky bar would cover its first lines. */
export const focusPage = (): void => document.getElementById("content")?.focus({ preventScroll: true })

/** Whether a link is in the page and not hidden, as the list of a narrow window is while something is open. */
const isShown = (link: HTMLElement): boolean => link.checkVisibility()

/** Moves the focus to the link after the first that is gone, or to the one before it; to the page if none is left. */
const focusHeir = (links: ReadonlyArray<HTMLElement>): void => {
  const at = links.findIndex((link) => !link.isConnected)
  if (at === -1) return
  const heir = links.slice(at).find(isShown) ?? links.slice(0, at).findLast(isShown)
  if (heir === undefined) focusPage()
  else heir.focus()
}

/** Moves the focus to what is open in the list, or to its first link; to the page if there is none. */
export const focusList = (): void => {
  const links = [...document.querySelectorAll<HTMLElement>(".entries a")].filter(isShown)
  const link = links.find(({ ariaCurrent }) => ariaCurrent === "true") ?? links[0]
  if (link === undefined) focusPage()
  else link.focus()
}

/**
 * Returns a ref for the parent of a list. Without this, the focus would be on the document, and the keyboard at its beginning.
 *
 * @param selector finds what gets the focus: the links of a list, or the buttons of its items
 */
export const useKeptFocus = (selector = ".entries a") => {
  const parent = useRef<HTMLDivElement>(null)
  const focused = useRef<Element | null>(null)
  /** The links when the focus moved last, which includes those that are gone since. */
  const listed = useRef<ReadonlyArray<HTMLElement>>([])
  useEffect(() => {
    const remember = ({ target }: FocusEvent) => {
      focused.current = target instanceof Element ? target : null
      listed.current = [...(parent.current?.querySelectorAll<HTMLElement>(selector) ?? [])]
    }
    document.addEventListener("focusin", remember)
    return () => document.removeEventListener("focusin", remember)
  }, [])
  useEffect(() => {
    if (document.activeElement !== document.body || focused.current?.isConnected !== false) return
    focused.current = null
    focusHeir(listed.current)
  })
  return parent
}

/**
 * The keyboard shortcuts: one letter each, without effect while a person types, or when they are turned off.
 *
 * A control names its letter in `aria-keyshortcuts`. The ranges, and the items of a list, are not controls of their own.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import * as Address from "../Address.ts"
import { go, useAddress } from "../Location.ts"
import { Dialog } from "../parts/Dialog.tsx"
import * as Store from "../Store.ts"
import * as Texts from "../Texts.ts"

const ranges: Readonly<Record<string, Address.Range>> = { d: "day", w: "7d", m: "month", y: "year" }

const steps: Readonly<Record<string, number>> = { j: 1, k: -1 }

/** Where letters are text, or choose something else. */
const typing = "input:not([type=checkbox]), textarea, [contenteditable], [role=menu], [role=listbox], dialog"

/** The key in `localStorage`. */
const storageKey = "hydracore-shortcuts"

const stored = (): boolean => {
  try {
    return localStorage.getItem(storageKey) !== "off"
  } catch {
    // The browser may deny access to storage.
    return true
  }
}

const areOn = Store.make(stored())

const turn = (isOn: boolean): void => {
  areOn.set(isOn)
  try {
    localStorage.setItem(storageKey, isOn ? "on" : "off")
  } catch {
    // The choice lasts until the page is closed.
  }
}

/** Goes to the next or the previous item of the list, and opens it if the list stays beside it. */
const step = (by: number): boolean => {
  const links = [...document.querySelectorAll<HTMLElement>("main :is(.entries a[href], .site)")]
  const focused = links.indexOf(document.activeElement as HTMLElement)
  const at = focused === -1 ? links.findIndex((link) => link.ariaCurrent === "true") : focused
  const next = links[at === -1 ? 0 : at + by]
  next?.focus()
  if (next?.matches(".entries a")) next.click()
  return next !== undefined
}

/** Uses the control that names this letter. */
const use = (letter: string): boolean => {
  const control = [...document.querySelectorAll<HTMLElement>(`[aria-keyshortcuts="${letter}"]`)].find((one) =>
    one.checkVisibility()
  )
  if (control instanceof HTMLInputElement) control.focus()
  else control?.click()
  return control !== undefined
}

const List = ({ onClose }: { readonly onClose: () => void }) => {
  const isOn = Store.useStore(areOn)
  return (
    <Dialog title={Texts.shortcuts.title} onClose={onClose}>
      <dl class="shortcuts">
        {Texts.shortcuts.list.map(([keys, meaning]) => (
          <div key={meaning}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={isOn} onChange={({ currentTarget }) => turn(currentTarget.checked)} />
        {Texts.shortcuts.on}
      </label>
    </Dialog>
  )
}

export const Shortcuts = () => {
  const { page, site } = useAddress()
  const hasRanges = site !== null && page === Address.initial.page
  const [isListed, setListed] = useState(false)
  useEffect(() => {
    const act = (key: string): boolean => {
      if (key === "?") {
        setListed(true)
        return true
      }
      if (!areOn.get()) return false
      const letter = key.toLowerCase()
      const [by, range] = [steps[letter], ranges[letter]]
      if (by !== undefined) return step(by)
      if (range !== undefined && hasRanges) {
        go({ range, interval: null })
        return true
      }
      return (letter === "e" || letter === "/") && use(letter)
    }
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
      if (event.target instanceof Element && event.target.closest(typing) !== null) return
      if (document.querySelector("dialog[open]") !== null) return
      if (act(event.key)) event.preventDefault()
    }
    addEventListener("keydown", onKeyDown)
    return () => removeEventListener("keydown", onKeyDown)
  }, [hasRanges])
  return isListed ? <List onClose={() => setListed(false)} /> : null
}

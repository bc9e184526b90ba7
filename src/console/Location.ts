/**
 * The console's address in the browser: the state of the page that survives a reload.
 *
 * @module
 */
import * as Address from "./Address.ts"
import * as Store from "./Store.ts"

const store = Store.make(Address.parse(location.hash))

/**
 * The state of a step of the browser's history that was shown before, unless it is how far the page was scrolled when the step was
 * left. The state of a link's new step is null.
 */
const seen = "seen"

if (history.state === null) history.replaceState(seen, "")

/** How long a page that grows while it loads is scrolled to where it was. */
const maxRestoring = 10_000

let stopRestoring = (): void => {}

/**
 * Scrolls a page to where it was when it was left. The browser itself scrolls only when a step back begins, when the page may still
 * be too short. A person who scrolls or presses a key ends this.
 */
const restoreScroll = (top: number): void => {
  const abort = new AbortController()
  const observer = new ResizeObserver(() => {
    scrollTo(0, top)
    if (Math.abs(scrollY - top) < 1) stopRestoring()
  })
  const timer = setTimeout(() => stopRestoring(), maxRestoring)
  stopRestoring = () => {
    abort.abort()
    observer.disconnect()
    clearTimeout(timer)
  }
  for (const event of ["keydown", "pointerdown", "touchstart", "wheel"]) {
    addEventListener(event, () => stopRestoring(), { signal: abort.signal })
  }
  observer.observe(document.body)
}

/** Shows an address. Another page in a new step begins at its top. */
const show = (fragment: string, isNew: boolean): void => {
  const { page, site } = store.get()
  const next = Address.parse(fragment)
  stopRestoring()
  store.set(next)
  if (isNew && (next.page !== page || next.site !== site)) scrollTo(0, 0)
  const kept: unknown = history.state
  if (typeof kept !== "number") return
  // If a person scrolls from here and comes again, the browser knows where to.
  history.replaceState(seen, "")
  restoreScroll(kept)
}

const keepScroll = (): void => history.replaceState(scrollY, "")

addEventListener("hashchange", () => {
  const isNew = history.state === null
  if (isNew) history.replaceState(seen, "")
  show(location.hash, isNew)
})

// Before the link is followed.
addEventListener(
  "click",
  ({ target }) => {
    if (target instanceof Element && target.closest("a[href^='#']") !== null) keepScroll()
  },
  { capture: true }
)

export const useAddress = (): Address.Address => Store.useStore(store)

/** Whether the console was opened without a fragment. The list of websites has the fragment `#/`. */
export const isPlain = (): boolean => location.hash === ""

/** Returns the address for a link, with some parts changed. */
export const linkTo = (change: Partial<Address.Address>): string => Address.format({ ...store.get(), ...change })

/** Changes parts of the address. `replace` adds no step to the browser's history. */
export const go = (change: Partial<Address.Address>, options?: { readonly replace?: boolean }): void => {
  const fragment = linkTo(change)
  if (fragment === location.hash) return
  if (options?.replace) history.replaceState(seen, "", fragment)
  else {
    keepScroll()
    history.pushState(seen, "", fragment)
  }
  show(fragment, true)
}

/**
 * The console's address in the browser: the state of the page that survives a reload.
 *
 * @module
 */
import * as Address from "./Address.ts"
import * as Store from "./Store.ts"

const store = Store.make(Address.parse(location.hash))

/** The state of a step of the browser's history that was shown before; that of a link's new step is null. */
const seen = "seen"

if (history.state === null) history.replaceState(seen, "")

/** Shows an address. Another page in a new step begins at its top; the browser scrolls only when a step back or forward begins. */
const show = (fragment: string, isNew: boolean): void => {
  const { page, site } = store.get()
  const next = Address.parse(fragment)
  store.set(next)
  if (isNew && (next.page !== page || next.site !== site)) scrollTo(0, 0)
}

addEventListener("hashchange", () => {
  const isNew = history.state === null
  if (isNew) history.replaceState(seen, "")
  show(location.hash, isNew)
})

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
  else history.pushState(seen, "", fragment)
  show(fragment, true)
}

/** Keeps how far the page is scrolled in its step of the browser's history, for `restoreScroll`. */
export const keepScroll = (): void => history.replaceState(scrollY, "")

/**
 * Scrolls as far as `keepScroll` has kept. The browser itself scrolls when a step back begins, when the page is still too short.
 */
export const restoreScroll = (): void => {
  if (typeof history.state === "number") scrollTo(0, history.state)
}

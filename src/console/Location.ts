/**
 * The console's address in the browser: the state of the page that survives a reload.
 *
 * @module
 */
import * as Address from "./Address.ts"
import * as Store from "./Store.ts"

const store = Store.make(Address.parse(location.hash))

addEventListener("hashchange", () => store.set(Address.parse(location.hash)))

export const useAddress = (): Address.Address => Store.useStore(store)

/** Whether the console was opened without a fragment. The list of websites has the fragment `#/`. */
export const isPlain = (): boolean => location.hash === ""

/** Returns the address for a link, with some parts changed. */
export const linkTo = (change: Partial<Address.Address>): string => Address.format({ ...store.get(), ...change })

/** Changes parts of the address. `replace` adds no step to the browser's history. */
export const go = (change: Partial<Address.Address>, options?: { readonly replace?: boolean }): void => {
  const fragment = linkTo(change)
  if (fragment === location.hash) return
  if (options?.replace) history.replaceState(null, "", fragment)
  else history.pushState(null, "", fragment)
  store.set(Address.parse(fragment))
}

/** Keeps how far the page is scrolled in its step of the browser's history, for `restoreScroll`. */
export const keepScroll = (): void => history.replaceState(scrollY, "")

/**
 * Scrolls as far as `keepScroll` has kept. The browser itself scrolls when a step back begins, when the page is still too short.
 */
export const restoreScroll = (): void => {
  if (typeof history.state === "number") scrollTo(0, history.state)
}

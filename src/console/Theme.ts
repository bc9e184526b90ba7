/**
 * The theme: that of the system, or the one that was chosen.
 *
 * @module
 */
import * as Store from "./Store.ts"

export const choices = ["system", "light", "dark"] as const
export type Choice = (typeof choices)[number]

/** The key in `localStorage`. The page's head reads it too, before the first paint. */
const key = "hydracore-theme"

const stored = (): Choice => {
  try {
    const found = choices.find((choice) => choice === localStorage.getItem(key))
    return found ?? "system"
  } catch {
    // The browser may deny access to storage.
    return "system"
  }
}

export const choice = Store.make<Choice>(stored())

export const choose = (chosen: Choice): void => {
  if (chosen === "system") delete document.documentElement.dataset["theme"]
  else document.documentElement.dataset["theme"] = chosen
  try {
    localStorage.setItem(key, chosen)
  } catch {
    // The choice lasts until the page is closed.
  }
  choice.set(chosen)
}

/** Calls `listener` when the colours change, until the returned function is called. */
export const onChange = (listener: () => void): (() => void) => {
  const system = matchMedia("(prefers-color-scheme: dark)")
  system.addEventListener("change", listener)
  const unsubscribe = choice.subscribe(listener)
  return () => {
    system.removeEventListener("change", listener)
    unsubscribe()
  }
}

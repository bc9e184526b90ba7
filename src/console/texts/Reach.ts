/**
 * Texts of the choice of websites. They are loaded with the pages that have it.
 *
 * @module
 */
export const label = "Websites"
export const kinds = {
  this: "This website",
  some: "Several websites",
  all: "All websites, including later ones"
} as const
export const which = "Which websites"
export const chooseOne = "Choose a website."

/** What a key, a link or a session reaches. */
export const reached = (sites: "all" | ReadonlyArray<string>): string =>
  sites === "all" ? "All websites" : sites.length === 1 ? "This website" : `${sites.length} websites`

/**
 * Texts of every page: the bar, sessions, and what went wrong.
 *
 * @module
 */
/** The language of numbers, dates and country names. */
export const language = "en"

export const app = "HydraCore"

/** The title of the document. */
export const title = (site: string | undefined, page: string): string =>
  [page, site, app].filter((part) => part !== undefined).join(" · ")

export const frame = {
  skip: "Skip to the content",
  pages: "Pages",
  sites: "Websites",
  theme: "Theme",
  themes: { system: "As the system", light: "Light", dark: "Dark" },
  close: "Close",
  loading: "Loading",
  notLoaded: "This page could not be loaded",
  reload: "Load the console again",
  docs: "Documentation"
} as const

export const pages = { overview: "Overview", inbox: "Inbox", conversations: "Conversations", setup: "Set up" } as const

/** A page's name with what waits there. */
export const waiting = (count: number): string => `${count} unread`

/** What to do about a failure. */
export const failures = {
  offline: "There is no connection to the service. It is tried again by itself.",
  unavailable: "The service cannot answer now. It is tried again by itself.",
  "too-many": "These are more requests than the service allows at once. It goes on by itself in a moment.",
  "signed-out": "Your session has ended. Open the console with a new link.",
  "not-found": "This website does not exist, or your session does not include it.",
  invalid: "The service does not understand this view. Remove a filter, or start again from the overview.",
  "too-slow": "This takes longer than the service allows. Choose fewer days, or remove a filter.",
  defect: "The service has failed. Try again; if it fails again, its log says why."
} as const

export const stale = (time: string): string => `You see what was counted until ${time}.`

export const copy = { copy: "Copy", copied: "Copied" } as const

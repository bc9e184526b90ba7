/**
 * Texts of keys and sessions. They are loaded with the settings.
 *
 * @module
 */

/** What an access reaches. */
export const sites = (sites: "all" | ReadonlyArray<string>): string =>
  sites === "all" ? "all websites" : sites.length === 1 ? "this website" : `${sites.length} websites`

export const keys = {
  title: "Keys",
  note: "For programs that use the owner API. A key reaches this website alone.",
  add: "New key",
  label: "Label",
  labelHint: "The program that uses it.",
  unnamed: "Key without a label",
  scope: "What it may do",
  scopes: { stats: "Read statistics", read: "Read everything", write: "Read and change everything" },
  expiry: "Last day",
  empty: "No program has a key.",
  secret: "The new key",
  secretBody: "Keep it now: it is not shown again.",
  confirm: "Revoke this key?",
  confirmBody: "The program that uses it gets no answers any more, within a second."
} as const

export const sessions = {
  title: "Sessions",
  note: "People who have opened the console for this website, and links that nobody has opened.",
  unnamed: (isCurrent: boolean): string => (isCurrent ? "You" : "Somebody"),
  roles: { owner: "may change everything", viewer: "may read" },
  unopened: "not opened yet",
  current: "this session",
  used: (when: string): string => `used ${when}`,
  end: "End",
  empty: "Nobody has opened the console.",
  confirm: "End this session?",
  confirmBody:
    "That person needs a new link to open the console again. The keys that were made in this session stop working, and so do links of it that nobody has opened.",
  confirmOwn:
    "It is your own. You need a new link to open the console again. The keys that you made in it stop working: sign out instead to keep them."
} as const

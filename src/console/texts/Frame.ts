/**
 * Texts of every page: the bar, sessions, and failures.
 *
 * @module
 */

export const signedOut = {
  command: "hydracore console link",
  after: "It prints an address that opens the console once. Open it in this browser."
} as const

export const onCommandLine = "or on the command line"

export const login = {
  title: "Log in",
  body: "Enter your email address. You get a link that logs you in; there are no passwords.",
  email: "Email address",
  send: "Send the link",
  sendAgain: "Send another link",
  sent: (address: string): string =>
    `If ${address} belongs to a person of this console, a mail with a link is on its way. The link works once, for 15 minutes.`,
  withoutMail: "This service sends no mail. Create a link on the server:"
} as const

export const ended = {
  title: "Your session has ended",
  why: "A session ends when it is not used for 30 days, unless the operator has set another time, or when somebody ends it.",
  kept: "Open the link in another tab of this browser. This tab then continues where it was, with what you have typed.",
  resume: "Continue",
  still: "This browser has no session yet. Open a link first."
} as const

export const link = {
  title: "Open the console",
  body: "Open it only if you expected this link, which works once. After that, this browser stays logged in for as long as it is used at least once a month.",
  name: "Opens the session",
  allSites: "All, also later ones",
  ends: "Ends in this browser",
  open: "Open the console",
  spent: "This link has been used or has expired",
  spentBody: "Get a new one, which works once."
} as const

export const person = {
  title: "Who are you?",
  why: "With your address you log in by yourself from now on, and the others see who you are.",
  name: "Your name",
  save: "Save",
  later: "Not now",
  next: "Continue to the console",
  mailed: (address: string): string =>
    `A mail with a link is on its way to ${address}. Open it in this browser to confirm your address. Until then, this session goes on without one.`
} as const

export const account = {
  title: "Account",
  devices: "Devices",
  thisDevice: "This device",
  unknownDevice: "Unknown browser",
  end: "Log out",
  endOf: (device: string): string => `Log out ${device}`
} as const

export const session = {
  label: "Session",
  roles: { owner: "Owner", member: "Member", viewer: "Viewer" },
  ends: (time: string): string => `Logged in until ${time}`,
  end: "Log out"
} as const

/** The keys, and what they do. */
export const shortcuts = {
  title: "Keyboard shortcuts",
  list: [
    [["D"], "Today"],
    [["W"], "Last 7 days"],
    [["M"], "This month"],
    [["Y"], "This year"],
    [["J", "K"], "The next and the previous item of a list"],
    [["E"], "Mark the open submission as read or unread"],
    [["/"], "Search"],
    [["?"], "This list"]
  ] as const,
  on: "Use these keys"
} as const

/** The language of numbers, dates and country names. */
export const language = "en"

export const app = "HydraCore"

/** The title of the document. */
export const title = (site: string | undefined, page: string): string =>
  [page, site, app].filter((part) => part !== undefined).join(" · ")

/** The maximum count that is shown. */
const maxCount = 99

export const shortCount = (count: number): string => (count > maxCount ? `${maxCount}+` : String(count))

/** A title with what is new. */
export const withCount = (count: number, title: string): string =>
  count === 0 ? title : `(${shortCount(count)}) ${title}`

export const frame = {
  skip: "Skip to the content",
  pages: "Pages",
  sites: "Websites",
  theme: "Theme",
  themes: { system: "System", light: "Light", dark: "Dark" },
  close: "Close",
  unsaved: "What you typed is not saved. Press Escape again to throw it away.",
  choices: "Choices",
  notLoaded: "This page could not be loaded",
  notLoadedBody: "The service was updated, or it cannot be reached now.",
  broken: "The console has failed",
  again: "Try again",
  reload: "Reload the console"
} as const

export const pages = {
  overview: "Overview",
  live: "Live",
  inbox: "Inbox",
  conversations: "Conversations",
  sharing: "Sharing",
  setup: "Set up"
} as const

/** What a viewer sees instead of a page for owners. */
export const onlyOwners = {
  title: "Only an owner can do this",
  body: "Your role does not include it. Ask an owner of this website."
} as const

/** The label of the number beside `Inbox`. */
export const unread = (count: number): string => `${count} unread`

export const waiting = (count: number): string =>
  count === 1 ? "1 unanswered conversation" : `${count} unanswered conversations`

export const noSite = { title: "There is no such website" } as const

/** What to do about a failure. */
export const failures = {
  offline: "There is no connection to the service. The console tries again automatically.",
  unavailable: "The service cannot answer now. The console tries again automatically.",
  "too-many": "The console has sent more requests than the service allows. It continues in a moment.",
  "signed-out": "Your session has ended. Open the console with a new link.",
  locked: "This dashboard has a password.",
  "not-found": "This website does not exist, or your session does not include it.",
  invalid: "The service does not understand this view. Remove a filter, or start again from the overview.",
  conflict: "This has changed meanwhile. Look at it again.",
  "too-slow": "This takes longer than the service allows. Choose fewer days, or remove a filter.",
  defect: "The service has failed. Try again; if it fails again, its log says why."
} as const

/** Capitalizes a message of the service and ends it with a period. What it marks as code is quoted. */
export const sentence = (text: string): string =>
  `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`.replace(/`([^`]*)`/g, "“$1”")

/** The fault of a list that is typed, one item per line. */
export const inLine = (line: number, fault: string): string => `Line ${line}: ${fault}`

/** What a change names does not exist. */
export const gone = "This no longer exists, or your session does not include it."

/** A limit of the operation, such as the invitations of an hour. */
export const tooMany = (when: string): string => `A limit is reached. Try again ${when}.`

export const stale = (time: string): string => `Last updated at ${time}.`

export const copy = { copy: "Copy", copied: "Copied" } as const

/**
 * Texts of the settings page. They are loaded with the page.
 *
 * @module
 */

export { failures, gone, sentence } from "./Frame.ts"

export const title = "Settings"

export const sections = {
  install: "Install",
  problems: "Problems",
  website: "Website",
  goals: "Goals",
  forms: "Forms",
  mails: "Mails",
  webhooks: "Webhooks",
  assistants: "Assistants",
  keys: "Keys",
  data: "Data"
} as const

export const add = "Add"
export const cancel = "Cancel"
export const create = "Create"
export const done = "Done"
export const edit = "Edit"
export const remove = "Delete"
export const revoke = "Revoke"
export const save = "Save"
export const test = "Test"

/** The label of a menu's button, where there is little room. */
export const moreShort = "More"
export const more = (name: string): string => `More for ${name}`

export const optional = (label: string): string => `${label} (optional)`

export const created = (day: string): string => `created on ${day}`
export const expires = (day: string): string => `until ${day}`

export const typeName = (name: string): string => `Type “${name}” to confirm`

export const install = {
  tag: "Page views",
  tagNote: "Paste this tag into every page, before </head>.",
  waitingForTag: "Waiting for the first page view. Open a page with the tag.",
  seen: (path: string, when: string): string => `The tag was seen on ${path}, ${when}.`,
  form: "Forms",
  formNote:
    "Paste this form into a page, or add its first three attributes to a form of yours. It can have any fields.",
  waitingForForm: "Waiting for the first submission. Send one yourself.",
  received: (page: string | null, when: string): string =>
    page === null ? `A form was received ${when}.` : `The form “${page}” was received ${when}.`,
  held: "It is held as suspected spam.",
  noView: "No page view yet.",
  noSubmission: "No submission yet.",
  // The reasons are not known for page views and submissions separately.
  refusedToday: "Some requests were not counted today: see below why, and what to do.",
  widget: "Chat",
  widgetNote:
    'Paste this tag at the end of the body. Every visitor can read its token, which is valid for this chat only. With side="start" in the tag, the chat moves to the other side of the window.',
  noAssistant: "No assistant yet. Connect one under Assistants: its tag is shown here.",
  toAssistants: "Assistants"
} as const

export const refused = {
  title: "Not counted today",
  note: "What arrived and was not counted, since midnight (UTC).",
  none: "Nothing was refused.",
  toOrigins: "Origins",
  toInbox: "Quarantine",
  toRules: "Rules",
  counted: (count: string, reason: string): string => {
    const what = refused.reasons[reason] ?? reason
    return `${count === "1" ? "Once" : `${count} times`}: ${what}`
  },
  reasons: {
    bot: "a known bot",
    "referrer-spam": "a known spam referrer",
    "foreign-origin": "another origin",
    limited: "too many requests from one address",
    quarantined: "suspected spam",
    "form-rule": "refused by your rules",
    invalid: "an invalid request",
    "unknown-site": "an unknown id",
    unavailable: "the database did not answer"
  } as Readonly<Record<string, string>>,
  advice: {
    bot: "Nothing to do: bots are not visitors.",
    "referrer-spam": "Nothing to do.",
    "foreign-origin":
      "A page from an origin that is not among this website’s origins used its ids. If the page is yours, add its origin.",
    limited: "If these are your visitors behind one address, ask the operator to raise the rate limit.",
    quarantined: "Check them in the inbox, and release those that are not spam.",
    "form-rule": "What was entered breaks a rule of its form, and the visitor reads what to correct.",
    invalid: "A page sends what the service does not understand. Compare its tag with the one above.",
    "unknown-site": "A page has an old or wrong id. Compare its tag with the one above.",
    unavailable: "Pages try again automatically. If this continues, ask the operator."
  } as Readonly<Record<string, string>>
} as const

export const website = {
  note: "Changes take effect within ten seconds.",
  name: "Name",
  timeZone: "Time zone",
  timeZoneHint: "Reports use the days of this time zone.",
  noTimeZone: "Nothing matches. Search for the country, for another large city, or for an offset such as +01:00.",
  timeZoneChange:
    "Once you save, past days begin and end in this time zone, too: the numbers of past days change. No data is deleted.",
  origins: "Origins",
  originsHint:
    "One per line, such as https://www.example.com. Only pages from these origins may use this website’s ids. Leave this empty to allow any origin.",
  anyOrigin: "Any",
  saved: "Saved.",
  remove: "Delete this website",
  removeNote: "Page views, events, submissions, conversations and assistants are deleted with it, permanently.",
  removeButton: "Delete the website",
  confirm: (name: string): string => `Delete ${name}?`,
  confirmBody:
    "All its page views, events, submissions, conversations and assistants are deleted permanently, and cannot be restored. Its tags and the tokens of its chats stop working."
} as const

export const newSite = {
  title: "New website"
} as const

export const goals = {
  note: "What you want visitors to do. The overview counts how many do it, also in visits before the goal was created.",
  add: "New goal",
  kind: "What counts",
  kinds: { page: "A page", event: "An event" },
  values: { page: "Path", event: "Event" },
  hints: {
    page: "Such as /thanks. A star matches any text: /blog/*.",
    event: "The name that your page sends, as in hydracore.event('Signup')."
  },
  name: "Name",
  empty: "No goal of your own yet. A thank-you page or a signup is a good first one.",
  builtIn: (names: ReadonlyArray<string>): string => `Always counted: ${names.join(", ")}.`,
  confirm: (name: string): string => `Delete the goal “${name}”?`,
  confirmBody: "It is no longer counted. The page views and events are kept."
} as const

export const keys = {
  title: "Keys",
  note: "For programs that use the owner API.",
  sharingLink: "To give people access, use Sharing.",
  add: "New key",
  label: "Label",
  labelHint: "The program that uses it.",
  unnamed: "Key without a label",
  scope: "What it may do",
  scopes: {
    stats: "Read statistics",
    read: "Read everything",
    write: "Read and change everything"
  },
  expiry: "Last day",
  empty:
    "No program has a key. With one, a script or a wall display can read what the console shows: see the guide Owner API.",
  first: "The first 100 are listed. The command `hydracore key list` lists all.",
  secret: "The new key",
  secretBody: "Save it now: it is not shown again.",
  confirm: "Revoke this key?",
  confirmBody:
    "The program that uses this key loses access within a second. The keys and the unopened console links that it created stop working too.",
  withOpened: "Also log out people who opened its links, and revoke the keys and links that they created"
} as const

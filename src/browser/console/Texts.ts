/**
 * Every text of the console. A translation is another file of this form.
 *
 * @module
 */
import type { Comparison, Dimension, Interval, Metric, Operator, Range } from "./Address.ts"

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

export const pages = { overview: "Overview", inbox: "Inbox", conversations: "Conversations" } as const

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

export const signedOut = {
  title: "Open the console with a link",
  body: "The console has no passwords. A link opens it, once, for the websites that the link names. Make one where the service runs:",
  command: "hydracore console link",
  after: "It prints an address. Open that address in this browser."
} as const

export const link = {
  title: "Open the console",
  body: "This link works once. After that, this browser stays signed in: 12 hours after its last use, and 30 days at most.",
  open: "Open the console",
  spent: "This link has been used or has expired",
  spentBody: "A link opens the console once. Make a new one where the service runs:"
} as const

export const session = {
  label: "Session",
  roles: { owner: "Owner", viewer: "Viewer" },
  ends: (time: string): string => `Signed in until ${time}`,
  end: "Sign out"
} as const

export const sites = {
  title: "Websites",
  note: "Visitors of the last 30 days",
  find: "Find a website",
  noMatch: "No website has this name.",
  all: "All websites"
} as const

export const noSites = {
  title: "Create your first website",
  body: "A website has a name and its own ids. Create one where the service runs, then reload this page:",
  command: 'hydracore site create --name "My website"',
  after: "It prints the tag that counts page views."
} as const

export const noData = {
  title: "No visits yet",
  body: "Pages with this website's tag are counted here. Where the service runs, this command prints the tag:",
  after: "Paste it into every page, before </head>. The first visit appears here within a minute.",
  command: (site: string): string => `hydracore site snippet --site ${site}`,
  earlier: "There are no visits in these days. Choose more days, or see all time.",
  filtered: "No visit matches these filters.",
  clear: "Remove the filters",
  all: "Show all time"
} as const

export const metrics: Readonly<Record<Metric, string>> = {
  visitors: "Visitors",
  visits: "Visits",
  pageviews: "Views",
  views_per_visit: "Views per visit",
  bounce_rate: "Bounce rate",
  visit_duration: "Duration",
  events: "Events",
  conversions: "Leads",
  conversion_rate: "Conversion rate",
  group_conversion_rate: "Conversion rate",
  total_revenue: "Revenue"
}

export const metricNotes: Readonly<Partial<Record<Metric, string>>> = {
  visitors: "The unique visitors of each day, summed. Nobody is recognized on another day.",
  visits: "Page views and events of a visitor without a pause of more than 30 minutes.",
  pageviews: "Pages that were opened.",
  bounce_rate: "Visits that saw one page and did nothing more.",
  visit_duration: "The average time from the first page view of a visit to its last.",
  conversions: "Accepted submissions, and chats that began."
}

export const leadsNeedVisit = "A lead belongs to a visit, not to a page or an event. Remove that filter to see leads."

export const dimensions: Readonly<Record<string, string>> = {
  "event:page": "Page",
  "event:name": "Event",
  "event:goal": "Goal",
  "visit:entry_page": "Entry page",
  "visit:exit_page": "Exit page",
  "visit:source": "Source",
  "visit:referrer": "Referrer",
  "visit:channel": "Channel",
  "visit:utm_source": "Campaign source",
  "visit:utm_medium": "Campaign medium",
  "visit:utm_campaign": "Campaign",
  "visit:utm_term": "Campaign term",
  "visit:utm_content": "Campaign content",
  "visit:device": "Device",
  "visit:browser": "Browser",
  "visit:os": "System",
  "visit:country": "Country"
}

export const dimension = (name: Dimension): string => dimensions[name] ?? name.replace("event:props:", "")

export const tabs: Readonly<Record<string, string>> = {
  "event:page": "Pages",
  "visit:entry_page": "Entry",
  "visit:exit_page": "Exit",
  "visit:source": "Sources",
  "visit:channel": "Channels",
  "visit:utm_campaign": "Campaigns",
  "visit:country": "Countries",
  "visit:device": "Devices",
  "visit:browser": "Browsers",
  "visit:os": "Systems",
  "event:goal": "Goals",
  "event:name": "Events"
}

/** The title of a list's column. */
export const column = (dimension: Dimension, metric: Metric): string =>
  metric === "conversion_rate"
    ? "Rate"
    : metric === "conversions" && dimension === "event:goal"
      ? "Total"
      : metrics[metric]

export const lists = {
  all: "Show all",
  allOf: (tab: string): string => `Show all ${tab.toLowerCase()}`,
  find: "Find",
  more: "Show more",
  none: "Nothing in these days.",
  noMatch: "Nothing matches.",
  share: "Share",
  filterBy: (dimension: string, value: string): string => `Filter by ${dimension.toLowerCase()} ${value}`,
  noneOf: {
    "visit:utm_campaign":
      "Links with ?utm_campaign=… in their address are counted here, so that you see which campaign brings visitors.",
    "event:goal":
      "A submission and a chat are goals by themselves. hydracore goal create adds others: an event, or a page such as /thanks.",
    "event:name": "Your pages send events with hydracore('event', 'Signup'). See the guide Websites.",
    "visit:country": "Countries need a database: see GEO_DATABASE in Settings."
  } as Readonly<Record<string, string>>
} as const

/** Values that stand for an absent one, or that are spelled for programs. */
export const values: Readonly<Record<string, string>> = {
  "Direct / None": "Direct",
  "(not set)": "Unknown",
  desktop: "Desktop",
  mobile: "Mobile",
  tablet: "Tablet"
}

export const operators: Readonly<Record<Operator, string>> = {
  is: "is",
  is_not: "is not",
  contains: "contains",
  contains_not: "does not contain"
}

export const filters = {
  label: "Filters",
  or: " or ",
  remove: (text: string): string => `Remove the filter ${text}`,
  turn: (operator: string): string => `Change to “${operator}”`,
  clear: "Remove all"
} as const

export const ranges: Readonly<Record<Exclude<Range, ReadonlyArray<string>>, string>> = {
  day: "Today",
  yesterday: "Yesterday",
  "7d": "Last 7 days",
  "28d": "Last 28 days",
  "30d": "Last 30 days",
  "91d": "Last 91 days",
  month: "This month",
  "last-month": "Last month",
  "6mo": "Last 6 months",
  year: "This year",
  "12mo": "Last 12 months",
  all: "All time"
}

export const range = {
  label: "Days",
  choose: "Choose days…",
  title: "Choose days",
  first: "First day",
  last: "Last day",
  apply: "Show these days",
  order: "The last day is before the first one.",
  zone: (zone: string): string => `Days of ${zone}.`
} as const

export const comparison = {
  label: "Comparison",
  none: "No comparison",
  names: { previous_period: "Period before", year_over_year: "Year before" } as Readonly<Record<Comparison, string>>,
  with: (name: string): string => `vs. ${name.toLowerCase()}`,
  more: (change: string): string => `${change} more than before`,
  fewer: (change: string): string => `${change} less than before`,
  same: "As before",
  before: (value: string): string => `${value} before`
} as const

export const chart = {
  intervals: { "time:hour": "Hours", "time:day": "Days", "time:week": "Weeks", "time:month": "Months" } as Readonly<
    Record<Interval, string>
  >,
  interval: "Interval",
  table: "Table",
  chart: "Chart",
  name: (metric: string, interval: string): string => `${metric} by ${interval.toLowerCase().replace(/s$/, "")}`,
  point: (label: string, value: string, before: string | undefined): string =>
    before === undefined ? `${label}: ${value}` : `${label}: ${value}, ${before} before`,
  help: "Arrow keys move along the chart. Enter opens the days of a point. Drag to choose days.",
  now: "not over yet",
  when: "When",
  before: "Before"
} as const

export const now = {
  visitors: (count: string, isOne: boolean): string => `${count} ${isOne ? "visitor" : "visitors"} now`,
  note: "Visitors of the last five minutes"
} as const

export const copy = { copy: "Copy", copied: "Copied" } as const

export const inbox = {
  folders: { accepted: "Accepted", quarantined: "Quarantine" },
  folder: "Folder",
  unreadOnly: "Unread",
  search: "Search",
  form: "Form",
  allForms: "All forms",
  export: "Export",
  exports: { csv: "CSV, a column for each field", ndjson: "NDJSON, nothing left out" },
  select: (name: string): string => `Select ${name}`,
  selected: (count: number): string => `${count} selected`,
  unselect: "Cancel",
  unread: "Unread",
  anonymous: "No email address",
  more: "Show earlier ones",
  open: "Choose a submission to read it.",
  list: "Submissions",
  actions: {
    read: "Mark as read",
    unread: "Mark as unread",
    release: "Release",
    delete: "Delete",
    reply: "Reply"
  },
  back: "Back to the list",
  confirm: (count: number): string => (count === 1 ? "Delete this submission?" : `Delete ${count} submissions?`),
  confirmBody: (count: number): string =>
    `${count === 1 ? "It is" : "They are"} deleted permanently, with everything that was sent. The statistics stay as they are.`,
  yes: "Yes",
  no: "No",
  nothing: "–",
  cancel: "Cancel",
  failed: "That did not work, and nothing was changed.",
  gone: "This submission does not exist any more. It may have been deleted, or its retention has ended.",
  received: "Received",
  from: "Form",
  visit: "Where it came from",
  noVisit: "Its visit is not known: the page had no tag for page views, or the visitor blocks it.",
  attribution: {
    source: "Source",
    medium: "Medium",
    campaign: "Campaign",
    referrer: "Referrer",
    entry_page: "Entry page"
  },
  suspicious: "It waits here because it looks like spam:",
  released: "It looked like spam, and was released:",
  reasons: {
    honeypot: "a hidden field, which people do not see, was filled in",
    links: "it has many links",
    "link-markup": "it has links in HTML or BBCode",
    repeated: "the same text was sent before",
    fast: "it was sent faster than a person types",
    "disposable-email": "its email address is a disposable one"
  } as Readonly<Record<string, string>>,
  empty: {
    accepted: "No submissions yet",
    acceptedBody:
      "What visitors send with a form arrives here. Where the service runs, this command prints a form to paste into a page:",
    quarantined: "Nothing is quarantined",
    quarantinedBody: "Submissions that look like spam wait here until you release or delete them.",
    unread: "Everything is read",
    found: "No submission matches",
    clear: "Show all"
  }
} as const

export const conversations = {
  list: "Conversations",
  show: "Which conversations",
  kinds: { all: "All", unanswered: "Unanswered", down: "Rated bad", up: "Rated good" },
  instance: "Assistant",
  open: "Choose a conversation to read it.",
  messages: (count: number): string => (count === 1 ? "1 message" : `${count} messages`),
  unanswered: (count: number): string => (count === 1 ? "1 unanswered" : `${count} unanswered`),
  rated: { up: "Rated good", down: "Rated bad" },
  roles: { user: "Visitor", assistant: "Assistant" },
  sources: "Sources:",
  endings: {
    running: "This answer is still being written.",
    length: "The answer was as long as the agent allows, and had no text.",
    stop: "The agent ended its answer without a text.",
    stopped: "The visitor stopped this answer.",
    superseded: "The visitor asked something else before this answer was complete.",
    "content-filter": "The agent's content filter ended this answer.",
    failed: "The agent failed, and this answer was not completed.",
    cut: "The service ended before this answer was complete.",
    other: "This answer was not completed."
  } as Readonly<Record<string, string>>,
  gone: "This conversation does not exist any more. It may have been deleted, or its retention has ended.",
  none: "No assistant on this website",
  noneBody:
    "What visitors ask a chat, and what it answers, is shown here. Where the service runs, this command connects an agent:",
  command: (site: string): string =>
    `hydracore instance create --name Assistant --agent-url http://localhost:9000 --site ${site}`,
  empty: "No conversations yet",
  emptyBody: "They appear here with the visitor's first message.",
  elsewhere: "The agent keeps these conversations",
  elsewhereBody:
    "This assistant's memory is its agent's. With the memory “edge”, conversations are stored and shown here.",
  noMatch: "No conversation matches",
  confirm: "Delete this conversation?",
  confirmBody: "It is deleted permanently, with all its messages and ratings."
} as const

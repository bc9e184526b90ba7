/**
 * What visitors of three websites do in a year: the requests, with the times at which they are sent. Pure: the current time and the
 * beginnings of days are arguments.
 *
 * @module
 */

export interface Website {
  readonly name: string
  readonly timeZone: string
}

/** Two zones whose clocks change, at different dates, and one whose hours begin at a quarter of an hour of UTC. */
export const websites: ReadonlyArray<Website> = [
  { name: "Kajakk", timeZone: "Europe/Berlin" },
  { name: "Surf", timeZone: "America/Los_Angeles" },
  { name: "Trek", timeZone: "Asia/Kathmandu" }
]

/** The facts of a time zone that the times of requests depend on. All times are in milliseconds since 1970. */
export interface Zone {
  /** When today began. */
  readonly today: number
  /** When yesterday began. */
  readonly yesterday: number
  /** When the clocks changed in the last year. */
  readonly changes: ReadonlyArray<number>
}

export interface Visitor {
  readonly address: string
  readonly client: Client
  /** As the proxy says it; `XX` if it does not know the country. */
  readonly country: string
  readonly session: string | null
}

export type Action =
  | {
      readonly type: "view"
      readonly path: string
      readonly referrer?: string
    }
  | {
      readonly type: "event"
      readonly name: string
      readonly path: string
      readonly properties?: Readonly<Record<string, string | number | boolean>>
      readonly revenue?: { readonly amount: number; readonly currency: string }
      readonly interactive?: boolean
    }
  | {
      readonly type: "form"
      /** The campaign of the visit. */
      readonly campaign: string | null
    }

export interface Request {
  readonly at: number
  /** An index of `websites`. */
  readonly website: number
  readonly visitor: Visitor
  readonly action: Action
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** A browser, with the names in Bowser's spelling. */
export interface Client {
  readonly userAgent: string
  readonly browser: string | null
  readonly os: string | null
  readonly device: string | null
}

const clients: ReadonlyArray<Client> = [
  {
    userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    browser: "Firefox",
    os: "Linux",
    device: "desktop"
  },
  {
    userAgent:
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    browser: "Chrome",
    os: "Windows",
    device: "desktop"
  },
  {
    userAgent:
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    browser: "Safari",
    os: "iOS",
    device: "mobile"
  },
  {
    userAgent:
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    browser: "Microsoft Edge",
    os: "macOS",
    device: "desktop"
  },
  {
    userAgent:
      "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
    browser: "Chrome",
    os: "Android",
    device: "mobile"
  },
  { userAgent: "", browser: null, os: null, device: null }
]

export const bot: Client = {
  userAgent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  browser: null,
  os: null,
  device: null
}

const countries = ["DE", "NO", "US", "JP", "XX"] as const

/** Where visits come from: what follows the path of the first page view, its referrer, and the campaign. */
const landings = [
  { query: "", referrer: undefined, campaign: null },
  { query: "?utm_source=letter&utm_medium=email&utm_campaign=spring", referrer: undefined, campaign: "spring" },
  { query: "", referrer: "https://www.google.com/", campaign: null },
  {
    query: "?utm_source=google&utm_medium=cpc&utm_campaign=autumn&utm_term=kayak&utm_content=blue",
    referrer: "https://www.google.com/",
    campaign: "autumn"
  },
  { query: "", referrer: "https://blog.example/posts/1?secret=1", campaign: null },
  { query: "?utm_source=partner&utm_campaign=spring", referrer: undefined, campaign: "spring" },
  { query: "", referrer: "https://shop.example/other-page", campaign: null }
] as const

/**
 * What reports make of the sources and mediums of visits: the source's name, and the channel of Plausible's list
 * (https://plausible.io/docs/top-referrers#channels).
 */
export const origins = [
  { source: null, medium: null, name: "Direct / None", channel: "Direct" },
  { source: "letter", medium: "email", name: "letter", channel: "Email" },
  { source: "www.google.com", medium: null, name: "Google", channel: "Organic Search" },
  { source: "google", medium: "cpc", name: "Google", channel: "Paid Search" },
  { source: "blog.example", medium: null, name: "blog.example", channel: "Referral" },
  { source: "partner", medium: null, name: "partner", channel: "Referral" }
] as const

/** The origin of the websites' pages. Page views that it refers have no referrer. */
export const origin = "https://shop.example"

/** What a visitor does, with the milliseconds since the first action. */
type Shape = (index: number) => ReadonlyArray<readonly [after: number, action: Action]>

const landingOf = (index: number) => landings[index % landings.length] ?? landings[0]

const landing = (path: string, index: number): Action => {
  const { query, referrer } = landingOf(index)
  return { type: "view", path: path + query, ...(referrer === undefined ? {} : { referrer }) }
}

const view = (path: string): Action => ({ type: "view", path })

/** A visit with events, revenue and a goal. */
const converting: Shape = (index) => [
  [0, landing("/pricing", index)],
  [5 * minute, view("/tours")],
  [6 * minute, { type: "event", name: "Booking", path: "/tours", revenue: { amount: 149.5 + index, currency: "EUR" } }],
  [15 * minute, view("/thanks/booking")]
]

/** A visit with pauses of just over thirty minutes. */
const pausing: Shape = (index) => [
  [0, landing("/pricing", index)],
  [30 * minute + 1, view("/pricing")],
  [61 * minute, landing("/", index + 1)]
]

/** A visit with a lead. */
const submitting: Shape = (index) => [
  [0, landing("/contact", index)],
  [5 * minute, { type: "form", campaign: landingOf(index).campaign }],
  [10 * minute, view("/thanks")]
]

/** Visits of every kind: short and long, with pauses of up to thirty minutes and of more, with events, revenue and leads. */
const shapes: ReadonlyArray<Shape> = [
  (index) => [[0, landing("/", index)]],
  converting,
  (index) => [
    [0, landing("/docs", index)],
    [30 * minute, view("/docs/start")],
    [60 * minute - second, view("/docs/end")]
  ],
  pausing,
  (index) => [
    [0, landing("/tours", index)],
    [5 * minute, { type: "event", name: "Scroll", path: "/tours", properties: { depth: 75 }, interactive: false }]
  ],
  (index) => [
    [
      0,
      {
        type: "event",
        name: "Signup",
        path: "/app",
        properties: { plan: index % 2 === 0 ? "pro" : "basic", paid: true }
      }
    ],
    [
      10 * minute,
      {
        type: "event",
        name: "Booking",
        path: "/app",
        revenue: { amount: 20.25, currency: index % 5 === 0 ? "USD" : "EUR" }
      }
    ]
  ],
  submitting,
  // A campaign's link in the middle of a visit.
  () => [
    [0, landing("/", 1)],
    [5 * minute, view("/pricing")],
    [10 * minute, landing("/tours", 3)],
    [15 * minute, view("/tours")],
    [30 * minute, landing("/tours", 3)],
    [
      60 * minute - second,
      {
        type: "event",
        name: "Booking",
        path: "/tours",
        properties: { plan: "pro" },
        revenue: { amount: -5, currency: "EUR" }
      }
    ]
  ]
]

/** A visitor. Those with the same index and website have the same address and browser on every day. */
const visitorOf = (website: number, index: number): Visitor => {
  const country = index % countries.length
  return {
    address: `198.51.${100 + website}.${10 + index}`,
    client: clients[index % clients.length] ?? bot,
    country: countries[country] ?? "XX",
    session: index % 2 === 0 ? `session-${website}-${index}` : null
  }
}

/** The days before today on which visitors come: those at which ranges of reports begin and end, and one long ago. Today is 0. */
const days: ReadonlyArray<number> = [400, 30, 29, 7, 6, 1]

/** The index of visitors with an IPv6 address. */
const ofIpv6 = 61

/** The requests on these days and today until `now`, in order. Visits begin together, so that the requests have few different times. */
export const requests = (now: number, zones: ReadonlyArray<Zone>): ReadonlyArray<Request> => {
  const found: Array<Request> = []
  const visit = (at: number, website: number, index: number, shape: Shape, session?: string | null) => {
    const known = visitorOf(website, index)
    const visitor = session === undefined ? known : { ...known, session }
    for (const [after, action] of shape(index)) {
      // A device changes the last 64 bits of its IPv6 address at any time.
      const address = index === ofIpv6 ? `2001:db8:${website}:61::${1 + Math.floor(after / minute)}` : visitor.address
      found.push({ at: at + after, website, visitor: { ...visitor, address }, action })
    }
  }
  const utcToday = Math.floor(now / day) * day
  for (const [place, before] of days.entries()) {
    for (const website of websites.keys()) {
      for (const [kind, shape] of shapes.entries()) {
        // Each shape gets every origin, browser and country in the course of the days.
        const index = kind + shapes.length * ((place + website) % 5)
        // Some visitors come on several days with the same session id.
        const name = `session-${website}-${index}-${place % 4 === 0 ? "again" : before}`
        const session = shape === submitting || index % 2 === 0 ? name : null
        visit(utcToday - before * day + 11 * hour, website, index, shape, session)
        // The same visitors in the afternoon.
        if (before === 1 && kind < 3) visit(utcToday - before * day + 15 * hour, website, index, shape, session)
      }
    }
  }
  for (const [website, { changes, today, yesterday }] of zones.entries()) {
    // Visits across midnight (of the website's day and of UTC's) and across a change of the clocks, with a session id and without. In
    // the first zone the clocks go one way, in the second the other.
    for (const midnight of [yesterday, today, utcToday - 5 * day, ...changes.slice(website, website + 1)]) {
      for (const index of [60, ofIpv6]) visit(midnight - 10 * minute, website, index, pausing)
      if (midnight === yesterday || midnight === today) visit(midnight - 10 * minute, website, 63, converting)
    }
    // Today, at any hour of the day.
    const at = Math.floor(today + (now - today) / 3)
    for (const [kind, shape] of shapes.entries()) {
      visit(at, website, kind + shapes.length, shape, shape === submitting ? `session-${website}-${at}` : undefined)
    }
  }
  return found.filter(({ at }) => at < now).sort((one, other) => one.at - other.at)
}

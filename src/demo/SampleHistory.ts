/**
 * Sixty days of made-up visits of the demo's website, so that its statistics are not empty at the first start. The same seed,
 * day and website give the same history.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Effect, Random } from "effect"
import type { Event } from "../core/analytics/Event.ts"
import type * as Goal from "../core/analytics/Goal.ts"
import type { PageView } from "../core/analytics/PageView.ts"
import { dayMillis, hourMillis } from "../core/text/Calendar.ts"

export const days = 60

/** A lead at the end of a visit: a form that is sent, or a chat that begins. */
export interface SampleLead {
  readonly kind: Goal.Lead
  readonly sessionId: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /** The fields of the form. */
  readonly form: Readonly<Record<string, string>>
  readonly email: string
}

export interface History {
  readonly views: ReadonlyArray<PageView>
  readonly events: ReadonlyArray<Event>
  readonly leads: ReadonlyArray<SampleLead>
}

/** The events for which the demo has goals. */
export const goalEvents = ["Booking", "Brochure"] as const

const [booking, brochure] = goalEvents

type Weighted<A> = ReadonlyArray<readonly [weight: number, value: A]>

interface Origin extends Pick<PageView, "campaign" | "referrerHost" | "referrerPath"> {
  /** The probability that a visit becomes a lead. */
  readonly interest: number
}

const noCampaign = { source: null, medium: null, name: null, term: null, content: null }

const campaign = (source: string, medium: string, name: string, interest: number): Origin => ({
  campaign: { ...noCampaign, source, medium, name },
  referrerHost: null,
  referrerPath: null,
  interest
})

const referrer = (host: string, interest: number, path = "/"): Origin => ({
  campaign: noCampaign,
  referrerHost: host,
  referrerPath: path,
  interest
})

const origins: Weighted<Origin> = [
  [30, { campaign: noCampaign, referrerHost: null, referrerPath: null, interest: 0.03 }],
  [26, referrer("www.google.com", 0.04)],
  [6, referrer("www.bing.com", 0.03)],
  [5, referrer("duckduckgo.com", 0.03)],
  [7, referrer("www.instagram.com", 0.01)],
  [4, referrer("visit-the-fjords.example", 0.06, "/kayaking")],
  [9, campaign("newsletter", "email", "spring", 0.12)],
  [7, campaign("google", "cpc", "midnight-sun", 0.08)],
  [6, campaign("instagram", "social", "first-strokes", 0.02)]
]

const countries: Weighted<string> = [
  [30, "NO"],
  [20, "DE"],
  [12, "GB"],
  [10, "SE"],
  [8, "DK"],
  [8, "NL"],
  [7, "US"],
  [5, "FR"]
]

type Device = Pick<PageView, "deviceType" | "screenWidth" | "browser" | "os">

const device = (deviceType: string, screenWidth: number, browser: string, os: string): Device => ({
  deviceType,
  screenWidth,
  browser,
  os
})

const devices: Weighted<Device> = [
  [26, device("mobile", 390, "Safari", "iOS")],
  [24, device("mobile", 412, "Chrome", "Android")],
  [22, device("desktop", 1920, "Chrome", "Windows")],
  [8, device("desktop", 1512, "Safari", "macOS")],
  [7, device("desktop", 1440, "Firefox", "Linux")],
  [7, device("desktop", 1536, "Edge", "Windows")],
  [6, device("tablet", 820, "Safari", "iOS")]
]

const [home, tours, contact] = ["/demo/site", "/demo/site/tours", "/demo/site/contact"]

const entries: Weighted<string> = [
  [65, home],
  [28, tours],
  [7, contact]
]

/** The page that follows each page in a visit. */
const next: Readonly<Record<string, string>> = { [home]: tours, [tours]: contact, [contact]: home }

const tourNames = ["First strokes", "Across the arm", "Under the midnight sun"] as const

/** The UTC hours in which visits begin. */
const hours: Weighted<number> = Array.from({ length: 24 }, (_, hour) => [hour < 5 ? 1 : hour < 17 ? 6 : 9, hour])

const names = ["Astrid", "Ben", "Carla", "Dag", "Elin", "Farid", "Greta", "Henrik"] as const

const pick = <A>(choices: Weighted<A>) =>
  Effect.map(Random.next, (random) => {
    let left = random * choices.reduce((sum, [weight]) => sum + weight, 0)
    const chosen = choices.find(([weight]) => {
      left -= weight
      return left < 0
    })
    return (chosen ?? choices[0]!)[1]
  })

const chance = (probability: number) => Effect.map(Random.next, (random) => random < probability)

/** The number of visits on a day: more at weekends, and more each week. */
const visitCount = (start: number, index: number) => {
  const isWeekend = [0, 6].includes(new Date(start).getUTCDay())
  return Random.nextIntBetween(14, 22).pipe(
    Effect.map((visits) => Math.round(visits * (isWeekend ? 1.5 : 1) + index / 6))
  )
}

interface Options {
  readonly hostedWebsiteId: string
  readonly before: number
  readonly seed: string
}

/** The history of the 60 days before the day that begins at `before`, in milliseconds since 1970. */
export const make = Effect.fnUntraced(
  function* ({ before, hostedWebsiteId, seed }: Options) {
    const views: Array<PageView> = []
    const events: Array<Event> = []
    const leads: Array<SampleLead> = []
    let count = 0

    const visit = Effect.fnUntraced(function* (start: number) {
      const sessionId = `sample-${++count}`
      const origin = yield* pick(origins)
      const client = yield* pick(devices)
      const shared = {
        hostedWebsiteId,
        sessionId,
        visitorHash: hash("sha256", `${seed} ${sessionId}`).slice(0, 32),
        country: yield* pick(countries)
      }
      let at = start + (yield* pick(hours)) * hourMillis + (yield* Random.nextIntBetween(0, 3500)) * 1000
      let page = yield* pick(entries)
      const length = 1 + (yield* Random.nextIntBetween(0, 3))
      // Every visit ends on the day on which it begins.
      const end = start + dayMillis - 60_000
      for (let number = 0; number < length && at < end; number++) {
        const isFirst = number === 0
        views.push({
          ...shared,
          ...client,
          receivedAt: at,
          path: page,
          campaign: isFirst ? origin.campaign : noCampaign,
          referrerHost: isFirst ? origin.referrerHost : null,
          referrerPath: isFirst ? origin.referrerPath : null,
          exclusion: null
        })
        at += (yield* Random.nextIntBetween(15, 240)) * 1000
        page = next[page] ?? home
      }
      const { browser, deviceType, os } = client
      const event = {
        ...shared,
        browser,
        deviceType,
        os,
        receivedAt: Math.min(at, end),
        path: tours,
        isInteractive: true
      }
      const tour = yield* Random.choice(tourNames)
      if (yield* chance(0.08)) events.push({ ...event, name: brochure, properties: { tour }, revenue: null })
      if (!(yield* chance(origin.interest))) return
      const person = yield* Random.choice(names)
      leads.push({
        kind: (yield* chance(0.6)) ? "form" : "chat",
        sessionId,
        receivedAt: event.receivedAt,
        form: { name: `${person} (sample data)`, tour, message: `Is "${tour}" free next week?` },
        email: `${person.toLowerCase()}@example.org`
      })
      if (yield* chance(0.5)) {
        const amount = 890 + 300 * tourNames.indexOf(tour)
        events.push({ ...event, name: booking, properties: { tour }, revenue: { amount, currency: "NOK" } })
      }
    })

    for (let index = 0; index < days; index++) {
      const start = before - (days - index) * dayMillis
      const visits = yield* visitCount(start, index)
      for (let number = 0; number < visits; number++) yield* visit(start)
    }
    return { views, events, leads } satisfies History
  },
  (history, { seed }) => Random.withSeed(history, seed)
)

/**
 * Sixty days of made-up visits of the demo's website, and what the visitors send, so that the console is not empty at the first
 * start. The same seed, time and website give the same history.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Effect, Random } from "effect"
import type { Event } from "../analytics/Event.ts"
import type { PageView } from "../analytics/PageView.ts"
import { viewWithoutFacts, withoutFacts } from "../analytics/StoredView.ts"
import { dayMillis, dayOf, hourMillis } from "../platform/text/Calendar.ts"
import * as SampleTexts from "./SampleTexts.ts"

export const days = 60

/** A submission of the contact form. */
export interface SampleSubmission {
  /** Null for a robot, which is no lead. */
  readonly visitorHash: string | null
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly fields: Readonly<Record<string, string>>
  readonly email: string
}

export interface SampleConversation {
  readonly visitorHash: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly turns: ReadonlyArray<SampleTexts.SampleTurn>
}

/** Each list is in the order of time. */
export interface History {
  readonly views: ReadonlyArray<PageView>
  readonly events: ReadonlyArray<Event>
  readonly submissions: ReadonlyArray<SampleSubmission>
  readonly conversations: ReadonlyArray<SampleConversation>
}

/** The events for which the demo has goals. */
export const goalEvents = ["Booking", "Brochure"] as const

const [booking, brochure] = goalEvents

type Weighted<A> = ReadonlyArray<readonly [weight: number, value: A]>

interface Origin extends Pick<PageView, "campaign" | "referrerHost" | "referrerPath"> {
  /** The probability that a visit becomes a lead. */
  readonly interest: number
}

const campaign = (source: string, medium: string, name: string, interest: number): Origin => ({
  campaign: { ...viewWithoutFacts.campaign, source, medium, name },
  referrerHost: null,
  referrerPath: null,
  interest
})

const referrer = (host: string, interest: number, path = "/"): Origin => ({
  campaign: viewWithoutFacts.campaign,
  referrerHost: host,
  referrerPath: path,
  interest
})

const direct: Origin = { campaign: viewWithoutFacts.campaign, referrerHost: null, referrerPath: null, interest: 0.05 }

const origins: Weighted<Origin> = [
  [30, direct],
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
  [7, device("desktop", 1536, "Microsoft Edge", "Windows")],
  [6, device("tablet", 820, "Safari", "iOS")]
]

const [home, tours, contact] = ["/demo/site", "/demo/site/tours", "/demo/site/contact"]

const entries: Weighted<string> = [
  [65, home],
  [28, tours],
  [7, contact]
]

/** The number of pages of a visit. */
const lengths: Weighted<number> = [
  [42, 1],
  [27, 2],
  [18, 3],
  [13, 4]
]

/** The page that follows each page in a visit. */
const next: Readonly<Record<string, string>> = { [home]: tours, [tours]: contact, [contact]: home }

/** The UTC hours in which visits begin. */
const hours: Weighted<number> = Array.from({ length: 24 }, (_, hour) => [hour < 5 ? 1 : hour < 17 ? 6 : 9, hour])

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

/** Milliseconds after the beginning of a day. */
const timeOfDay = Effect.gen(function* () {
  return (yield* pick(hours)) * hourMillis + (yield* Random.nextIntBetween(0, 3599)) * 1000
})

/** The number of visits on a day: more at weekends, and more each week. */
const visitCount = (start: number, index: number) => {
  const isWeekend = [0, 6].includes(new Date(start).getUTCDay())
  return Random.nextIntBetween(14, 22).pipe(
    Effect.map((visits) => Math.round(visits * (isWeekend ? 1.5 : 1) + index / 6))
  )
}

/** Who visits the website: what the views and events of one visitor have in common. */
interface Visitor {
  readonly shared: Pick<PageView, "hostedWebsiteId" | "visitorHash" | "country">
  readonly client: Device
  /** When the visitor's last visit ended. */
  seenAt: number
}

/** The share of the visits that are further visits of a visitor of the same day. A visitor is anonymous again on the next day. */
const returning = 0.15

/** A visit begins at least this long after the visitor's visit before. Milliseconds; longer than `Visits.maxGap`. */
const pauseMillis = 45 * 60_000

/** The latest visit ended at least this long ago, so that no made-up visitor counts as one who is on the website now. */
const quietMillis = 35 * 60_000

/** The email address of a person, at a domain that is reserved for examples. */
const emailOf = (name: string): string =>
  `${name
    .normalize("NFD")
    .replace(/[^a-zA-Z ]/g, "")
    .toLowerCase()
    .replaceAll(" ", ".")}@example.com`

/** A lead at the end of a visit. */
interface Lead {
  readonly visitorHash: string
  readonly at: number
}

/** Gives each lead a text that no other lead has: the latest lead the first text. Leads without a text are left out. */
const withTexts = <Text, A>(
  leads: ReadonlyArray<Lead>,
  texts: ReadonlyArray<Text>,
  make: (lead: Lead, text: Text, index: number) => A
): ReadonlyArray<A> =>
  leads
    .toReversed()
    .slice(0, texts.length)
    .map((lead, index) => make(lead, texts[index]!, index))
    .reverse()

const submissionsOf = (leads: ReadonlyArray<Lead>, now: number): ReadonlyArray<SampleSubmission> => {
  const people = withTexts(leads, SampleTexts.messages, ({ at, visitorHash }, { text, tour }, index) => {
    const name = SampleTexts.names[index]!
    return { visitorHash, receivedAt: at, fields: { name, tour: tour.name, message: text }, email: emailOf(name) }
  })
  const robots = SampleTexts.spam.map(({ daysAgo, email, name, text }) => ({
    visitorHash: null,
    receivedAt: now - daysAgo * dayMillis,
    fields: { name, tour: SampleTexts.tours[0].name, message: text },
    email
  }))
  return [...people, ...robots].sort((left, right) => left.receivedAt - right.receivedAt)
}

interface Options {
  readonly hostedWebsiteId: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly seed: string
}

/** The history of today so far and of the 59 days before, in UTC. */
export const make = Effect.fnUntraced(
  function* ({ hostedWebsiteId, now, seed }: Options) {
    const views: Array<PageView> = []
    const events: Array<Event> = []
    const leads = { form: [] as Lead[], chat: [] as Lead[] }
    let count = 0

    const newVisitor = Effect.gen(function* () {
      const client = yield* pick(devices)
      const visitorHash = hash("sha256", `${seed} ${count}`).slice(0, 32)
      return { client, shared: { hostedWebsiteId, visitorHash, country: yield* pick(countries) }, seenAt: 0 }
    })

    /** A visit that begins at `start` and ends before `end`. */
    const visit = Effect.fnUntraced(function* (visitor: Visitor, start: number, end: number) {
      count++
      const { client, shared } = visitor
      const origin = visitor.seenAt === 0 ? yield* pick(origins) : direct
      let at = start
      let page = yield* pick(entries)
      const length = yield* pick(lengths)
      const view = (path: string, from: Origin) =>
        Effect.map(Random.nextIntBetween(15, 240), (seconds) => {
          const { campaign, referrerHost, referrerPath } = from
          const where = { path, campaign, referrerHost, referrerPath }
          views.push({ ...viewWithoutFacts, ...shared, ...client, ...where, receivedAt: at })
          at = Math.min(at + seconds * 1000, end)
        })
      for (let number = 0; number < length && at < end; number++) {
        yield* view(page, number === 0 ? origin : direct)
        page = next[page] ?? home
      }
      const { browser, deviceType, os } = client
      const event = {
        ...withoutFacts,
        ...shared,
        ...{ browser, deviceType, os, receivedAt: at, path: tours, isInteractive: true }
      }
      const tour = yield* Random.choice(SampleTexts.tours)
      if (yield* chance(0.08)) {
        events.push({ ...event, name: brochure, properties: { tour: tour.name }, revenue: null })
      }
      const isInterested = yield* chance(origin.interest)
      const wish = yield* Random.next
      if (isInterested && wish < 0.3) {
        const people = yield* Random.nextIntBetween(1, 6)
        const revenue = { amount: people * tour.price, currency: "EUR" }
        events.push({ ...event, name: booking, properties: { tour: tour.name, people }, revenue })
      } else if (isInterested && wish < 0.72) {
        yield* view(contact, direct)
        leads.form.push({ visitorHash: shared.visitorHash, at })
      } else if (isInterested) leads.chat.push({ visitorHash: shared.visitorHash, at })
      visitor.seenAt = at
    })

    /** Requests of search engines, which do not count. */
    const crawl = Effect.fnUntraced(function* (at: number) {
      views.push({
        ...viewWithoutFacts,
        hostedWebsiteId,
        receivedAt: at,
        path: yield* pick(entries),
        visitorHash: hash("sha256", `${seed} robot`).slice(0, 32),
        country: "US",
        exclusion: "bot"
      })
    })

    for (let index = 0; index < days; index++) {
      const start = (dayOf(now) - (days - 1 - index)) * dayMillis
      // Every visit ends on the day on which it begins.
      const end = Math.min(start + dayMillis - 60_000, now - quietMillis)
      const times = yield* Effect.replicateEffect(timeOfDay, yield* visitCount(start, index))
      const known: Array<Visitor> = []
      for (const time of times.sort((left, right) => left - right)) {
        const at = start + time
        if (at >= end) break
        const rested = known.filter(({ seenAt }) => at - seenAt > pauseMillis)
        if (rested.length > 0 && (yield* chance(returning))) yield* visit(yield* Random.choice(rested), at, end)
        else {
          const visitor = yield* newVisitor
          known.push(visitor)
          yield* visit(visitor, at, end)
        }
        if (yield* chance(0.08)) yield* crawl(at)
      }
    }
    const inOrder = <A extends Lead>(unordered: Array<A>) => unordered.sort((left, right) => left.at - right.at)
    return {
      views,
      events,
      submissions: submissionsOf(inOrder(leads.form), now),
      conversations: withTexts(inOrder(leads.chat), SampleTexts.conversations, ({ at, visitorHash }, turns) => ({
        visitorHash,
        startedAt: at,
        turns
      }))
    } satisfies History
  },
  (history, { seed }) => Random.withSeed(history, seed)
)

/**
 * Deterministic visits of a busy website, for the tests and the screenshots of the console.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import { Leads } from "../../../src/analytics/Lead.ts"
import { viewWithoutFacts, withoutFacts } from "../../../src/analytics/StoredView.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import { SubmissionId } from "../../../src/platform/Id.ts"
import type { Site } from "../../../src/sites/Site.ts"

/** A sequence of numbers from 0 to 1. */
const randomOf = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Values with their relative frequencies. */
type Weighted<A> = ReadonlyArray<readonly [weight: number, value: A]>

const pick = <A>(random: () => number, values: Weighted<A>): A => {
  const sum = values.reduce((all, [weight]) => all + weight, 0)
  let remaining = random() * sum
  for (const [weight, value] of values) {
    remaining -= weight
    if (remaining < 0) return value
  }
  return values[0]![1]
}

interface Origin {
  readonly host: string | null
  readonly path?: string
  readonly source?: string
  readonly medium?: string
  readonly campaign?: string
}

const origins: Weighted<Origin> = [
  [34, { host: null }],
  [28, { host: "www.google.com", path: "/" }],
  [9, { host: "news.ycombinator.com", path: "/item" }],
  [7, { host: "www.linkedin.com", path: "/feed/" }],
  [6, { host: "duckduckgo.com", path: "/" }],
  [5, { host: "chatgpt.com", path: "/" }],
  [5, { host: null, source: "newsletter", medium: "email", campaign: "autumn-letter" }],
  [4, { host: "www.google.com", path: "/", source: "google", medium: "cpc", campaign: "brand" }],
  [3, { host: "www.reddit.com", path: "/r/kayaking/" }],
  [3, { host: "l.instagram.com", path: "/", source: "instagram", medium: "paid-social", campaign: "midnight-sun" }],
  [2, { host: "www.bing.com", path: "/" }],
  [1, { host: "fjordguide.example", path: "/kayaks/best-tours-in-the-west" }]
]

const entryPages: Weighted<string> = [
  [40, "/"],
  [18, "/tours"],
  [12, "/blog/what-to-pack"],
  [9, "/blog/weather-on-the-fjord"],
  [8, "/prices"],
  [5, "/tours/midnight-sun"],
  [4, "/contact"],
  [2, "/about"],
  [2, "/blog/a-rather-long-title-about-the-best-places-to-put-up-a-tent-between-two-fjords"]
]

const laterPages: Weighted<string> = [
  [24, "/tours"],
  [18, "/prices"],
  [14, "/contact"],
  [12, "/tours/first-strokes"],
  [11, "/tours/midnight-sun"],
  [9, "/"],
  [6, "/about"],
  [6, "/blog/what-to-pack"]
]

const countries: Weighted<string | null> = [
  [30, "NO"],
  [22, "DE"],
  [14, "GB"],
  [10, "US"],
  [7, "NL"],
  [5, "SE"],
  [4, "DK"],
  [3, "FR"],
  [2, "CH"],
  [1, "JP"],
  [1, null]
]

const clients: Weighted<readonly [device: string, browser: string, os: string]> = [
  [30, ["mobile", "Safari", "iOS"]],
  [22, ["mobile", "Chrome", "Android"]],
  [20, ["desktop", "Chrome", "Windows"]],
  [12, ["desktop", "Safari", "macOS"]],
  [6, ["desktop", "Firefox", "Windows"]],
  [4, ["desktop", "Microsoft Edge", "Windows"]],
  [4, ["tablet", "Safari", "iOS"]],
  [2, ["desktop", "Firefox", "Linux"]]
]

/** The hours of the day, with the relative frequencies of visits. */
const hours: Weighted<number> = [1, 1, 1, 1, 1, 2, 3, 5, 8, 9, 9, 8, 8, 8, 9, 8, 8, 7, 8, 9, 9, 7, 4, 2].map(
  (weight, hour) => [weight, hour] as const
)

const senders: Weighted<{ readonly name: string; readonly email: string; readonly message: string }> = [
  [3, { name: "Ada Lovelace", email: "ada@example.org", message: "We are four, and one of us is nine years old." }],
  [3, { name: "Jonas Berg", email: "jonas.berg@example.no", message: "Do you still have places on the 14th?" }],
  [2, { name: "Mei Tanaka", email: "mei@example.jp", message: "Is the midnight sun tour suitable for beginners?" }],
  [2, { name: "Lukas Weber", email: "lukas@example.de", message: "Wir kommen im Juni zu zweit. Gibt es noch Plätze?" }]
]

const uuidOf = (text: string): string =>
  createHash("md5")
    .update(text)
    .digest("hex")
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5")

const day = 86_400_000
const minute = 60_000

export interface Options {
  readonly site: Site
  /** Milliseconds since 1970. */
  readonly now: number
  readonly days: number
  /** The average number on a recent weekday. Earlier days and weekends have fewer. */
  readonly visitsPerDay: number
  readonly seed?: number
}

/**
 * Stores the visits, their events and their leads. All at once, so that they are stored in groups: one after another, they would
 * take most of the processor time of a short test file.
 */
export const store = Effect.fnUntraced(function* ({ days, now, seed = 1, site, visitsPerDay }: Options) {
  const random = randomOf(seed)
  const views = yield* AnalyticsRepo
  const submissions = yield* SubmissionRepo
  const { hostedWebsiteId } = site
  const midnight = Math.floor(now / day) * day
  const writes: Array<Effect.Effect<unknown, unknown>> = []
  let visits = 0
  for (let back = days - 1; back >= 0; back--) {
    const start = midnight - back * day
    const isWeekend = [0, 6].includes(new Date(start).getUTCDay())
    const growth = 1 - (0.35 * back) / days
    const count = Math.round(visitsPerDay * growth * (isWeekend ? 0.62 : 1) * (0.85 + 0.3 * random()))
    for (let visit = 0; visit < count; visit++) {
      const isNow = back === 0 && visit < 4
      const startedAt = isNow
        ? now - 2 * minute
        : start + pick(random, hours) * 60 * minute + Math.floor(random() * 60 * minute)
      // Otherwise the number of visitors now would depend on the time of day.
      if (!isNow && startedAt > now - 30 * minute) continue
      const origin = pick(random, origins)
      const [deviceType, browser, os] = pick(random, clients)
      const facts = {
        hostedWebsiteId,
        deviceType,
        browser,
        os,
        country: pick(random, countries),
        sessionId: `session-${++visits}`,
        // Some visitors come twice a day; the current ones are four people.
        visitorHash: createHash("md5")
          .update(`${seed} ${back} ${random() < 0.14 && !isNow ? Math.floor(visit / 2) : visit}`)
          .digest("hex")
      }
      const pages = random() < 0.46 ? 1 : 2 + Math.floor(random() * 4)
      let at = startedAt
      for (let page = 0; page < pages && at <= now; page++) {
        writes.push(
          views.append({
            ...viewWithoutFacts,
            ...facts,
            receivedAt: at,
            path: pick(random, page === 0 ? entryPages : laterPages),
            campaign: {
              ...viewWithoutFacts.campaign,
              source: origin.source ?? null,
              medium: origin.medium ?? null,
              name: origin.campaign ?? null
            },
            referrerHost: page === 0 ? origin.host : null,
            referrerPath: page === 0 ? (origin.path ?? null) : null
          })
        )
        at += Math.floor((0.2 + 2 * random()) * minute)
      }
      if (at > now) continue
      if (random() < 0.07) {
        writes.push(
          views.appendEvent({
            ...withoutFacts,
            ...facts,
            receivedAt: at,
            name: pick(random, [
              [5, "Price list"],
              [3, "Play video"],
              [1, "Share"]
            ]),
            path: "/prices",
            properties: null,
            revenue: null,
            isInteractive: true
          })
        )
      }
      if (pages > 1 && random() < (origin.campaign === undefined ? 0.04 : 0.11)) {
        const sender = pick(random, senders)
        writes.push(
          submissions.submit({
            submissionId: SubmissionId.make(uuidOf(`${seed} ${visits}`)),
            websiteConfigId: site.websiteConfigId,
            receivedAt: at,
            email: sender.email,
            pageSlug: "contact",
            formData: JSON.stringify(sender),
            status: "accepted",
            reasons: [],
            visitorHashes: [facts.visitorHash],
            idempotency: null
          })
        )
      }
    }
  }
  yield* Effect.all(writes, { concurrency: "unbounded", discard: true })
  yield* Leads.use((leads) => leads.match)
})

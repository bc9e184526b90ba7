/** Storage with one website, for tests of the command line. */
import { Effect, Layer, Stream } from "effect"
import { noAttribution } from "../../src/analytics/Lead.ts"
import type { PageView } from "../../src/analytics/PageView.ts"
import { viewWithoutFacts } from "../../src/analytics/StoredView.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import type { Submission } from "../../src/forms/Submission.ts"
import { HostedWebsiteId, SubmissionId, TrackingToken, WebsiteConfigId } from "../../src/platform/Id.ts"
import type { Site } from "../../src/sites/Site.ts"
import * as InboxFilter from "./InboxFilter.ts"
import * as MemoryStorage from "./MemoryStorage.ts"
import { onRealClock } from "./postgres/TestClient.ts"
import { postgres, type Storage } from "./Storages.ts"

export const site: Site = {
  websiteConfigId: WebsiteConfigId.make("0f8fad5b-d9cb-469f-a165-70867728950e"),
  hostedWebsiteId: HostedWebsiteId.make("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
  trackingToken: TrackingToken.make("d3b07384-d113-4ec5-a5ec-9b1f2d3c4e5f"),
  name: "Example",
  origins: ["https://www.example.com"],
  timeZone: "UTC",
  createdAt: 1_767_225_600_000
}

/** A visitor's view of a website, a number of days after 2026-03-01. */
export const view = (day: number, visitor: number, hostedWebsiteId = site.hostedWebsiteId): PageView => ({
  ...viewWithoutFacts,
  hostedWebsiteId,
  receivedAt: Date.parse("2026-03-01T00:00:00Z") + day * 86_400_000,
  path: day === 0 ? "/" : "/\u001b[2Jwipe",
  campaign: {
    ...viewWithoutFacts.campaign,
    ...{ source: "letter", medium: "email", name: day === 0 ? "spring" : "summer" }
  },
  referrerHost: "search.example",
  referrerPath: "/",
  deviceType: "mobile",
  browser: "Safari",
  os: "iOS",
  visitorHash: Buffer.alloc(16, visitor).toString("hex"),
  country: "NO"
})

/** The submission with this number. There is one each second, and the email of some is a formula. */
export const submission = (number: number): Submission => ({
  submissionId: SubmissionId.make(`00000000-0000-4000-8000-${String(number).padStart(12, "0")}`),
  websiteConfigId: site.websiteConfigId,
  receivedAt: site.createdAt + number * 1000,
  email: number % 3 === 0 ? null : `=visitor${number}@example.com`,
  pageSlug: number % 2 === 0 ? null : "contact, us",
  formData: `{"number":${number}e0,"big":12345678901234567890123,"text":"a \\"b\\"\\n\u009b","__proto__":{"x":"\\ud800"}}`,
  status: "accepted",
  reasons: [],
  attribution: noAttribution
})

export interface Options {
  readonly submissions?: number
  /** Called for every submission that is read. */
  readonly onRead?: (number: number) => void
}

/** Generates submissions without storing them, latest first. */
export const submissions = ({ onRead = () => {}, submissions: count = 0 }: Options) =>
  Layer.mock(Inbox)({
    list: () => Effect.succeed({ items: [], next: null }),
    stream: (websiteConfigId, filter) =>
      websiteConfigId !== site.websiteConfigId || count === 0
        ? Stream.empty
        : Stream.range(1, count, 100).pipe(
            Stream.map((number) => count + 1 - number),
            Stream.tap((number) => Effect.sync(() => onRead(number))),
            Stream.map((number) => ({
              ...submission(number),
              isRead: false,
              conversation: null,
              answer: null,
              deletedAt: null
            })),
            Stream.filter((message) => InboxFilter.matches(message, filter))
          )
  })

/** The services of commands without those of owners, in memory, with generated submissions. */
export const storage = (options: Options = {}): Layer.Layer<Storage> =>
  Layer.merge(MemoryStorage.layer({ sites: [site] }), submissions(options))

/** PostgreSQL with the website, for commands that use the services of owners. */
export const onPostgres: Layer.Layer<Storage> = onRealClock(postgres({ sites: [site] }))

/**
 * Memory storage with one website, for tests of the command line. Submissions are generated while they are read.
 */
import { Effect, Layer, Stream } from "effect"
import { noAttribution } from "../../src/core/analytics/Lead.ts"
import type { PageView } from "../../src/core/analytics/PageView.ts"
import type { Submission } from "../../src/core/forms/Submission.ts"
import type { Site } from "../../src/core/sites/Site.ts"
import * as AnalyticsExport from "../../src/memory/analytics/AnalyticsExport.ts"
import * as AnalyticsRepo from "../../src/memory/analytics/AnalyticsRepo.ts"
import * as AnalyticsRows from "../../src/memory/analytics/AnalyticsRows.ts"
import * as EventRepo from "../../src/memory/analytics/EventRepo.ts"
import * as Goals from "../../src/memory/analytics/Goals.ts"
import * as Reports from "../../src/memory/analytics/Reports.ts"
import * as ConversationStore from "../../src/memory/chat/ConversationStore.ts"
import * as InstanceDirectory from "../../src/memory/chat/InstanceDirectory.ts"
import * as WidgetTokens from "../../src/memory/chat/WidgetTokens.ts"
import * as FormDirectory from "../../src/memory/forms/FormDirectory.ts"
import * as SubmissionStore from "../../src/memory/forms/SubmissionRepo.ts"
import * as Notifications from "../../src/memory/mail/Notifications.ts"
import * as Persons from "../../src/memory/persons/Persons.ts"
import * as Readiness from "../../src/memory/Readiness.ts"
import * as ConsoleSessions from "../../src/memory/sites/ConsoleSessions.ts"
import * as Decisions from "../../src/memory/sites/Decisions.ts"
import * as OwnerKeys from "../../src/memory/sites/OwnerKeys.ts"
import * as Shares from "../../src/memory/sites/Shares.ts"
import * as SiteDirectory from "../../src/memory/sites/SiteDirectory.ts"
import * as SiteErasure from "../../src/memory/sites/SiteErasure.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"

export const site: Site = {
  websiteConfigId: "0f8fad5b-d9cb-469f-a165-70867728950e",
  hostedWebsiteId: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
  trackingToken: "d3b07384-d113-4ec5-a5ec-9b1f2d3c4e5f",
  name: "Example",
  origins: ["https://www.example.com"],
  timeZone: "UTC",
  createdAt: 1_767_225_600_000
}

/** A visitor's view of a website, a number of days after 2026-03-01. */
export const view = (day: number, visitor: number, hostedWebsiteId = site.hostedWebsiteId): PageView => ({
  hostedWebsiteId,
  receivedAt: Date.parse("2026-03-01T00:00:00Z") + day * 86_400_000,
  path: day === 0 ? "/" : "/\u001b[2Jwipe",
  campaign: { source: "letter", medium: "email", name: day === 0 ? "spring" : "summer", term: null, content: null },
  referrerHost: "search.example",
  referrerPath: "/",
  deviceType: "mobile",
  screenWidth: null,
  sessionId: null,
  browser: "Safari",
  os: "iOS",
  visitorHash: Buffer.alloc(16, visitor).toString("hex"),
  country: "NO",
  exclusion: null
})

/** The submission with this number. There is one each second, and the email of some is a formula. */
export const submission = (number: number): Submission => ({
  submissionId: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
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
  /** The form data of all submissions, as JSON. Default: a small object with the submission's number. */
  readonly formData?: string
  /** Called for every submission that is read. */
  readonly onRead?: (number: number) => void
}

/** Generates submissions without storing them. */
const submissions = ({ formData, onRead = () => {}, submissions: count = 0 }: Options) =>
  Layer.succeed(
    SubmissionRepo,
    SubmissionRepo.of({
      submit: () => Effect.die("The command line must not submit."),
      release: () => Effect.die("Generated submissions cannot be changed."),
      delete: () => Effect.die("Generated submissions cannot be changed."),
      stream: ({ since, status, websiteConfigId }) =>
        websiteConfigId !== site.websiteConfigId || count === 0
          ? Stream.empty
          : Stream.range(1, count, 100).pipe(
              Stream.tap((number) => Effect.sync(() => onRead(number))),
              Stream.map((number) => ({ ...submission(number), ...(formData === undefined ? {} : { formData }) })),
              Stream.filter(({ receivedAt }) => since === undefined || receivedAt >= since),
              Stream.filter((submission) => status === undefined || submission.status === status)
            )
    })
  )

export const storage = (options: Options = {}) =>
  Layer.mergeAll(
    Goals.layer,
    FormDirectory.layer,
    Notifications.layer,
    Readiness.layer,
    WidgetTokens.layer,
    ConsoleSessions.layer,
    OwnerKeys.layer,
    Shares.layer,
    Layer.merge(Persons.layer, SiteErasure.layer).pipe(Layer.provideMerge(ConversationStore.layer()))
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        SubmissionStore.layer(),
        Layer.mergeAll(Reports.layer, AnalyticsRepo.layer, EventRepo.layer, AnalyticsExport.layer).pipe(
          Layer.provideMerge(AnalyticsRows.layer)
        ),
        Decisions.layer().pipe(
          Layer.provideMerge(Layer.merge(SiteDirectory.layer({ sites: [site] }), InstanceDirectory.layer()))
        )
      )
    ),
    Layer.merge(submissions(options))
  )

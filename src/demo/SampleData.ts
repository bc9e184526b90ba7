/**
 * Stores the sample history of the demo's website, through the services that store what visitors send.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect } from "effect"
import type { SubmissionDraft } from "../core/forms/Submission.ts"
import { dayMillis, dayOf } from "../core/text/Calendar.ts"
import { AnalyticsRepo } from "../services/analytics/AnalyticsRepo.ts"
import { EventRepo } from "../services/analytics/EventRepo.ts"
import { Goals } from "../services/analytics/Goals.ts"
import { Leads } from "../services/analytics/Leads.ts"
import { SubmissionRepo } from "../services/forms/SubmissionRepo.ts"
import type * as DemoFeed from "./DemoFeed.ts"
import * as SampleHistory from "./SampleHistory.ts"

const seed = "hydracore"

const draftOf = (websiteConfigId: string, lead: SampleHistory.SampleLead): SubmissionDraft => ({
  submissionId: randomUUID(),
  websiteConfigId,
  receivedAt: lead.receivedAt,
  email: lead.email,
  pageSlug: "contact",
  formData: JSON.stringify(lead.form),
  status: "accepted",
  reasons: [],
  sessionId: lead.sessionId,
  idempotency: null
})

/** Stores the history of the days before today, with its goals and leads. The service credits leads to visits soon afterwards. */
export const store = Effect.fnUntraced(function* ({ hostedWebsiteId, instanceId, websiteConfigId }: DemoFeed.Subject) {
  const analytics = yield* AnalyticsRepo
  const events = yield* EventRepo
  const goals = yield* Goals
  const leads = yield* Leads
  const submissions = yield* SubmissionRepo
  const before = dayOf(yield* Clock.currentTimeMillis) * dayMillis
  const history = yield* SampleHistory.make({ hostedWebsiteId, before, seed })
  for (const name of SampleHistory.goalEvents) {
    yield* goals.create({ websiteConfigId, name, kind: "event", value: name })
  }
  const options = { concurrency: 500, discard: true } as const
  // A lead is credited to the stored rows of its visit, so these are stored first.
  yield* Effect.forEach(history.views, analytics.append, options)
  yield* Effect.forEach(history.events, events.append, options)
  yield* Effect.forEach(
    history.leads,
    (lead) =>
      lead.kind === "form"
        ? submissions.submit(draftOf(websiteConfigId, lead))
        : leads.addChat({ instanceId, sessionId: lead.sessionId, receivedAt: lead.receivedAt }),
    options
  )
})

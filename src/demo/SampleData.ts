/**
 * Stores the sample history of the demo's website, through the services that store what visitors send.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Option } from "effect"
import { AnalyticsRepo } from "../analytics/AnalyticsRepo.ts"
import { Goals } from "../analytics/Goal.ts"
import { Leads } from "../analytics/Lead.ts"
import { ConversationStore } from "../chat/ConversationStore.ts"
import { Deliveries, type Leased } from "../delivery/Delivery.ts"
import * as Slots from "../delivery/Slots.ts"
import { Webhooks } from "../delivery/Webhook.ts"
import { Inbox } from "../forms/Inbox.ts"
import * as SpamScore from "../forms/SpamScore.ts"
import type { SubmissionDraft } from "../forms/Submission.ts"
import { SubmissionRepo } from "../forms/SubmissionRepo.ts"
import type { InstanceId, WebsiteConfigId } from "../platform/Id.ts"
import * as Id from "../platform/Id.ts"
import * as Schedule from "../platform/outward/Schedule.ts"
import { dayMillis } from "../platform/text/Calendar.ts"
import { Decisions } from "../sites/Decisions.ts"
import * as Retention from "../sites/Retention.ts"
import type * as DemoFeed from "./DemoFeed.ts"
import * as DemoReceiver from "./DemoReceiver.ts"
import * as SampleHistory from "./SampleHistory.ts"

const seed = "hydracore"

/** The number of the latest submissions that the owner has not read. */
const unread = 3

/** Of how many deliveries one fails at its first attempt. */
const failingShare = 6

/** Runs an effect at a time in milliseconds since 1970: what it stores has that time. Its timeouts run in real time. */
const at =
  (time: number) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Clock.clockWith((clock) =>
      Effect.provideService(effect, Clock.Clock, {
        currentTimeMillisUnsafe: () => time,
        currentTimeMillis: Effect.succeed(time),
        currentTimeNanosUnsafe: () => BigInt(time) * 1_000_000n,
        currentTimeNanos: Effect.succeed(BigInt(time) * 1_000_000n),
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) => clock.sleep(duration)
      })
    )

const draftOf = (
  websiteConfigId: WebsiteConfigId,
  { email, fields, receivedAt, visitorHash }: SampleHistory.SampleSubmission
): SubmissionDraft => {
  const formData = JSON.stringify(fields)
  const { reasons, status } = SpamScore.judge({ ...SpamScore.noSignals, ...SpamScore.linksIn(formData) })
  return {
    submissionId: Id.SubmissionId.make(randomUUID()),
    websiteConfigId,
    receivedAt,
    email,
    pageSlug: "contact",
    formData,
    status,
    reasons,
    visitorHashes: visitorHash === null ? [] : [visitorHash],
    idempotency: null
  }
}

/** Stores a conversation at the times at which its messages would have been sent. */
const storeConversation = Effect.fnUntraced(function* (
  instanceId: InstanceId,
  website: string,
  { startedAt, turns, visitorHash }: SampleHistory.SampleConversation
) {
  const store = yield* ConversationStore
  const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
  let time = startedAt
  for (const [index, { answer, citesTours, comment, ending, question, rating }] of turns.entries()) {
    const answerId = Id.MessageId.make(randomUUID())
    const message = { messageId: Id.MessageId.make(randomUUID()), text: question }
    yield* at(time)(store.begin({ key, answerId, message, visitorHashes: index === 0 ? [visitorHash] : [] }))
    const source = {
      type: "source-url",
      sourceId: "source-1",
      url: `${website}/demo/site/tours`,
      title: "Tours · Fjordlight Kayaks"
    } as const
    const parts = [...(answer === "" ? [] : [{ type: "text", text: answer } as const]), ...(citesTours ? [source] : [])]
    // Within the lease of the answer.
    yield* at(time + 3_000)(store.complete({ answerId, ending, parts, usage: null }))
    if (rating !== null) yield* at(time + 15_000)(store.rate({ key, messageId: answerId, rating, comment }))
    time += 40_000
  }
})

/** Records an attempt of a delivery, as if the receiver had answered at that time. */
const settle = (leased: Leased, attemptedAt: number, status: number, answer: string) => {
  const millis = 84
  return Deliveries.use((deliveries) =>
    deliveries.settle(leased, {
      attempt: { attemptedAt, status, millis, answer, error: null },
      next: Schedule.next({ status, retryAfter: null }, leased.attempt, attemptedAt + millis, 0),
      affectsHealth: true
    })
  )
}

const slots = Slots.freeSlotsOf([])

/** Delivers the events of a submission to the website's webhook, after a failed attempt if `fails`. */
const deliver = Effect.fnUntraced(function* (receivedAt: number, fails: boolean) {
  const deliveries = yield* Deliveries
  const { leased } = yield* deliveries.fanOut(slots, new Map())
  for (const first of leased) {
    if (!fails) {
      yield* settle(first, receivedAt + 400, 200, "Thank you.\n")
      continue
    }
    yield* settle(first, receivedAt + 400, 503, "Closed for maintenance.\n")
    const { leased: again } = yield* deliveries.lease(slots, new Map())
    for (const second of again) yield* settle(second, receivedAt + 6_100, 200, "Thank you.\n")
  }
})

interface Options {
  /** The URL of the website, without a trailing slash. */
  readonly website: string
  /** How long conversations are kept; none means forever. */
  readonly retention: Option.Option<Retention.Retention>
}

/**
 * Stores the history until now, with its goals, its leads, and a webhook with its deliveries. Must end before events are
 * delivered in the background: nothing is sent, the deliveries are made up too.
 */
export const store = Effect.fnUntraced(function* (
  { hostedWebsiteId, instanceId, websiteConfigId }: DemoFeed.Subject,
  { retention, website }: Options
) {
  const analytics = yield* AnalyticsRepo
  const decisions = yield* Decisions
  const goals = yield* Goals
  const inbox = yield* Inbox
  const leads = yield* Leads
  const submissions = yield* SubmissionRepo
  const webhooks = yield* Webhooks
  const now = yield* Clock.currentTimeMillis
  const history = yield* SampleHistory.make({ hostedWebsiteId, now, seed })
  for (const name of SampleHistory.goalEvents) {
    yield* goals.create(websiteConfigId, { name, kind: "event", value: name })
  }
  const options = { concurrency: 500, discard: true } as const
  /** A request of a known website that was not counted. */
  const notCounted = (reason: "bot" | "quarantined", time: number) =>
    at(time)(decisions.record({ _tag: "Known", websiteConfigId }, reason))
  // A lead is credited to the stored rows of its visit, so these are stored first.
  yield* Effect.forEach(
    history.views,
    (view) =>
      Effect.andThen(
        analytics.append(view),
        view.exclusion === "bot" ? notCounted("bot", view.receivedAt) : Effect.void
      ),
    options
  )
  yield* Effect.forEach(history.events, analytics.appendEvent, options)
  const keptFrom = Option.match(retention, { onNone: () => 0, onSome: (kept) => Retention.cutoff(kept, now) })
  yield* Effect.forEach(
    history.conversations,
    (conversation) => {
      const { startedAt, visitorHash } = conversation
      return startedAt >= keptFrom
        ? storeConversation(instanceId, website, conversation)
        : // Like one that has been deleted: its visit still became a lead.
          leads.addChat({ instanceId, visitorHashes: [visitorHash], receivedAt: startedAt })
    },
    options
  )
  yield* at(now - SampleHistory.days * dayMillis)(
    webhooks.create(websiteConfigId, { url: DemoReceiver.url, events: ["submission.accepted"], format: "standard" })
  )
  const accepted: Array<Id.SubmissionId> = []
  // One at a time, so that each event is delivered at its own time.
  for (const submission of history.submissions) {
    const draft = draftOf(websiteConfigId, submission)
    yield* submissions.submit(draft)
    if (draft.status === "quarantined") yield* notCounted("quarantined", draft.receivedAt)
    else accepted.push(draft.submissionId)
    // Before the delivery, which contains where the visit came from.
    yield* leads.match
    yield* deliver(draft.receivedAt, accepted.length % failingShare === 0)
  }
  yield* inbox.mark(websiteConfigId, accepted.slice(0, -unread), true)
})

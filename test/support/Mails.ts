/**
 * Adds notifications, and creates and leases the mails that they cause.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import { type LeasedMail, Mails, type Next } from "../../src/delivery/mail/Mail.ts"
import { type NewNotification, Notifications, type StoredNotification } from "../../src/delivery/mail/Notification.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../src/platform/Id.ts"
import { fanOutAll } from "./Delivery.ts"
import * as SubmissionDraft from "./SubmissionDraft.ts"

export const day = 86_400_000

/** Runs an effect as if it were `millis` later. */
export const later =
  (millis: number) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Clock.clockWith((clock) =>
      Effect.provideService(
        effect,
        Clock.Clock,
        Object.assign(Object.create(clock), {
          currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + millis)
        })
      )
    )

export const add = (
  websiteConfigId: WebsiteConfigId,
  options: Omit<NewNotification, "to"> = {},
  to = "ada@example.com"
) =>
  Notifications.use((notifications) => notifications.add(websiteConfigId, { to, ...options })).pipe(
    Effect.map(Option.getOrThrow)
  )

export const submit = (site: WebsiteConfigId, more: Parameters<typeof SubmissionDraft.make>[1] = {}) =>
  SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site, more)))

/** Submits `count` forms, a millisecond apart. */
export const submitMany = Effect.fnUntraced(function* (site: WebsiteConfigId, count: number) {
  const from = (yield* Clock.currentTimeMillis) - 10_000
  const ids = []
  for (let number = 0; number < count; number++) ids.push(yield* submit(site, { receivedAt: from + number }))
  return ids
})

/** Creates the mails of all events, as if it were `at`, by default the current time. */
export const makeAll = Effect.fnUntraced(function* (at?: number) {
  const now = at ?? (yield* Clock.currentTimeMillis)
  yield* fanOutAll
  yield* Mails.use((mails) => Effect.repeat(mails.make(now), { until: (count) => count === 0 }))
})

/** Leases all mails, and returns those of one notification. */
export const leaseFor = ({ notification_id }: StoredNotification) =>
  Mails.use((mails) => mails.lease(1_000)).pipe(
    Effect.map((leased) => leased.filter(({ notification }) => notification.notification_id === notification_id))
  )

export const record = (mail: LeasedMail, next: Next, error: string | null = null) =>
  Mails.use((mails) => mails.settle(mail, { next, error }))

export const latest = ({ notification_id, website_config_id }: StoredNotification) =>
  Notifications.use((notifications) => notifications.list(website_config_id)).pipe(
    Effect.map((all) => all.find((one) => one.notification_id === notification_id)?.latest_mail)
  )

export const idsOf = ({ subject }: LeasedMail) =>
  subject.kind === "submissions" ? subject.submissions.map(({ submissionId }) => submissionId) : []

export const countOf = ({ subject }: LeasedMail) => (subject.kind === "submissions" ? subject.count : -1)

/** Makes the mails of a website, and leases them. */
export const leaseOfSite = Effect.fnUntraced(function* (site: WebsiteConfigId) {
  yield* makeAll()
  const leased = yield* Mails.use((mails) => mails.lease(1_000))
  return leased.filter((mail) => mail.site.websiteConfigId === site)
})

/** Sends the mails of a website, and returns the submissions that they have. */
export const sendOfSite = Effect.fnUntraced(function* (site: WebsiteConfigId) {
  const leased = yield* leaseOfSite(site)
  yield* Effect.forEach(leased, (mail) => record(mail, { status: "sent" }))
  return leased.flatMap(idsOf)
})

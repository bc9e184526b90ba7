/**
 * Stores notifications in the memory of this process. Unbounded, because visitors cannot create notifications.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import type { LatestMail } from "../../core/mail/Mail.ts"
import type { Notification, Topic } from "../../core/mail/Notification.ts"
import * as ReportPeriod from "../../core/mail/ReportPeriod.ts"
import { Notifications } from "../../services/mail/Notifications.ts"
import { Sites } from "../sites/SiteDirectory.ts"
import { itemKey, MailTables, type StoredMail, type StoredNotification } from "./MailTables.ts"

const toNotification = ({ dueAt: _, reportedUntil: __, ...notification }: StoredNotification): Notification =>
  notification

const stateOf = ({ attempts, createdAt, error, status }: StoredMail): LatestMail => ({
  createdAt,
  status,
  attempts,
  error
})

const periodOf = (topic: Topic) => (topic.kind === "report" ? topic.period : null)

export const layer: Layer.Layer<Notifications, never, MailTables | Sites> = Layer.effect(
  Notifications,
  Effect.gen(function* () {
    const tables = yield* MailTables
    const sites = yield* Sites
    return Notifications.of({
      add: (given) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const site = sites.get(given.websiteConfigId)
          if (site === undefined) return Option.none()
          const { topic } = given
          const same = [...tables.notifications.values()].find(
            (one) =>
              one.websiteConfigId === given.websiteConfigId &&
              one.recipient === given.recipient &&
              periodOf(one.topic) === periodOf(topic)
          )
          const dueAt =
            topic.kind === "report" ? ReportPeriod.nextDue(topic.period, { now, timeZone: site.timeZone }) : null
          const stored: StoredNotification =
            same === undefined
              ? { ...given, notificationId: randomUUID(), createdAt: now, dueAt, reportedUntil: null }
              : { ...same, topic, dueAt: same.dueAt === null ? null : (dueAt ?? now) }
          tables.notifications.set(stored.notificationId, stored)
          return Option.some(toNotification(stored))
        }),
      list: (websiteConfigId) =>
        Effect.sync(() =>
          [...tables.notifications.values()]
            .filter((one) => one.websiteConfigId === websiteConfigId)
            .map((stored) => {
              const latest = [...tables.mails.values()].findLast(
                (mail) => mail.notificationId === stored.notificationId
              )
              if (latest === undefined) return { notification: toNotification(stored), latest: null }
              return { notification: toNotification(stored), latest: stateOf(latest) }
            })
        ),
      ofSubmission: (websiteConfigId, submissionId) =>
        Effect.sync(() =>
          [...tables.notifications.values()].flatMap(({ notificationId, recipient, websiteConfigId: site }) => {
            const item = tables.items.get(itemKey({ notificationId, submissionId }))
            if (item === undefined || site !== websiteConfigId) return []
            const mail = item.mailId === null ? undefined : tables.mails.get(item.mailId)
            return { recipient, createdAt: item.createdAt, mail: mail === undefined ? null : stateOf(mail) }
          })
        ),
      isUsed: Effect.sync(() => tables.notifications.size > 0),
      find: (notificationId) =>
        Effect.sync(() => Option.map(Option.fromUndefinedOr(tables.notifications.get(notificationId)), toNotification)),
      remove: (notificationId) =>
        Effect.sync(() => {
          const isFound = tables.notifications.has(notificationId)
          tables.remove(notificationId)
          return isFound
        })
    })
  })
)

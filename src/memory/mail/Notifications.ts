/**
 * Stores notifications in the memory of this process. Unbounded, since visitors cannot create notifications.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import type { Notification, Topic } from "../../core/mail/Notification.ts"
import * as ReportPeriod from "../../core/mail/ReportPeriod.ts"
import { Notifications } from "../../services/mail/Notifications.ts"
import { Sites } from "../sites/SiteDirectory.ts"
import { MailTables, type StoredNotification } from "./MailTables.ts"

const toNotification = ({ dueAt: _, reportedUntil: __, ...notification }: StoredNotification): Notification =>
  notification

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
              const { attempts, createdAt, error, status } = latest
              return { notification: toNotification(stored), latest: { createdAt, status, attempts, error } }
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

/**
 * Stores notifications in the memory of this process. Unbounded, because visitors cannot create notifications.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import type { LatestMail } from "../../core/mail/Mail.ts"
import * as MailRecipient from "../../core/mail/MailRecipient.ts"
import { isSameTopic, type Notification } from "../../core/mail/Notification.ts"
import * as ReportPeriod from "../../core/mail/ReportPeriod.ts"
import type { Access } from "../../core/sites/Access.ts"
import { dayMillis } from "../../core/text/Calendar.ts"
import {
  type AddedByOwner,
  type NewNotification,
  Notifications,
  type ResentConfirmation
} from "../../services/mail/Notifications.ts"
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

export const layer: Layer.Layer<Notifications, never, MailTables | Sites> = Layer.effect(
  Notifications,
  Effect.gen(function* () {
    const tables = yield* MailTables
    const sites = yield* Sites

    /** Adds a notification. If the recipient has one on the same topic, changes its options instead. What is due stays due. */
    const put = (
      given: NewNotification,
      { isConfirmed, now, timeZone }: { readonly isConfirmed: boolean; readonly now: number; readonly timeZone: string }
    ) => {
      const { topic } = given
      const same = ofRecipient(given).find((one) => one.recipient === given.recipient && isSameTopic(one.topic, topic))
      const dueAt = topic.kind === "report" ? ReportPeriod.nextDue(topic.period, { now, timeZone }) : null
      const stored: StoredNotification =
        same === undefined
          ? { ...given, notificationId: randomUUID(), isConfirmed, createdAt: now, dueAt, reportedUntil: null }
          : {
              ...same,
              topic,
              isConfirmed: same.isConfirmed || isConfirmed,
              dueAt: same.dueAt === null || same.dueAt <= now ? same.dueAt : (dueAt ?? now)
            }
      tables.notifications.set(stored.notificationId, stored)
      return toNotification(stored)
    }

    /** A website's notifications of an address. */
    const ofRecipient = ({ recipient, websiteConfigId }: Pick<Notification, "recipient" | "websiteConfigId">) =>
      [...tables.notifications.values()].filter(
        (one) =>
          one.websiteConfigId === websiteConfigId &&
          MailRecipient.normalize(one.recipient) === MailRecipient.normalize(recipient)
      )

    const setConfirmed = (found: ReadonlyArray<StoredNotification>) => {
      for (const one of found) tables.notifications.set(one.notificationId, { ...one, isConfirmed: true })
    }

    const factsOf = ({ recipient, websiteConfigId }: Pick<Notification, "recipient" | "websiteConfigId">) => {
      const { address, confirmationsAt, invitedAt, isUnsubscribed } = tables.recipient(websiteConfigId, recipient)
      const others = tables
        .recipients()
        .filter((other) => other.websiteConfigId === websiteConfigId && other.address !== address)
      return {
        isUnsubscribed,
        mailsAt: confirmationsAt,
        invitedAt,
        othersMailsAt: others.flatMap((other) => [...other.confirmationsAt, ...other.invitedAt])
      }
    }

    /** Makes a confirmation mail in place of those that are not sent yet. */
    const askConfirmation = (notification: Notification, now: number) => {
      const recent = factsOf(notification).mailsAt.filter((time) => now - time < dayMillis)
      tables.updateRecipient(notification, { confirmationsAt: [...recent, now] })
      tables.cancelConfirmations(ofRecipient(notification).map(({ notificationId }) => notificationId))
      tables.add(notification.notificationId, { kind: "confirmation" }, now)
    }

    const addByOwner = (given: NewNotification, now: number): AddedByOwner => {
      const { recipient, websiteConfigId } = given
      const site = sites.get(websiteConfigId)
      if (site === undefined) return { _tag: "NoWebsite" }
      const known = ofRecipient(given)
      const isSame = known.some((one) => one.recipient === recipient && isSameTopic(one.topic, given.topic))
      const decision: MailRecipient.Decision = isSame
        ? { _tag: "Accepted", sendsConfirmation: false }
        : MailRecipient.decide({ ...factsOf(given), isKnown: known.length > 0 }, now)
      if (decision._tag !== "Accepted") return decision
      const isConfirmed = known.some((one) => one.isConfirmed)
      const notification = put(given, { isConfirmed, now, timeZone: site.timeZone })
      if (decision.sendsConfirmation) askConfirmation(notification, now)
      return { _tag: "Added", notification }
    }

    const resendConfirmation = (notificationId: string, now: number): ResentConfirmation => {
      const found = tables.notifications.get(notificationId)
      if (found === undefined) return { _tag: "NoNotification" }
      const decision = MailRecipient.decideRepeat({ ...factsOf(found), isConfirmed: found.isConfirmed }, now)
      if (decision._tag !== "Accepted") return decision
      askConfirmation(found, now)
      return { _tag: "Resent", notification: toNotification(found) }
    }

    /** An address as a recipient of each of some websites. */
    const recipientsOf = (named: Access["sites"], recipient: string) =>
      sites
        .all()
        .filter(({ websiteConfigId }) => named === "all" || named.includes(websiteConfigId))
        .map(({ websiteConfigId }) => ({ websiteConfigId, recipient }))

    const countInvitation = (
      named: Access["sites"],
      address: string,
      now: number
    ): MailRecipient.InvitationDecision => {
      const websites = recipientsOf(named, address).map((recipient) => ({
        recipient,
        isConfirmed: ofRecipient(recipient).some((one) => one.isConfirmed)
      }))
      const decision = MailRecipient.decideInvitation(
        websites.map(({ isConfirmed, recipient }) => ({ ...factsOf(recipient), isConfirmed })),
        now
      )
      if (decision._tag !== "Accepted") return decision
      for (const { isConfirmed, recipient } of websites) {
        if (isConfirmed) continue
        const recent = factsOf(recipient).invitedAt.filter((time) => now - time < dayMillis)
        tables.updateRecipient(recipient, { invitedAt: [...recent, now] })
      }
      return decision
    }

    return Notifications.of({
      countInvitation: (named, address) =>
        Effect.map(Clock.currentTimeMillis, (now) => countInvitation(named, address, now)),
      refuseInvitations: (named, address) =>
        Effect.sync(() => {
          for (const one of recipientsOf(named, address)) tables.updateRecipient(one, { isUnsubscribed: true })
        }),
      add: (given) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const site = sites.get(given.websiteConfigId)
          if (site === undefined) return Option.none()
          tables.updateRecipient(given, { isUnsubscribed: false })
          setConfirmed(ofRecipient(given))
          return Option.some(put(given, { isConfirmed: true, now, timeZone: site.timeZone }))
        }),
      addByOwner: (given) => Effect.map(Clock.currentTimeMillis, (now) => addByOwner(given, now)),
      resendConfirmation: (notificationId) =>
        Effect.map(Clock.currentTimeMillis, (now) => resendConfirmation(notificationId, now)),
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
        }),
      confirm: (websiteConfigId, isRecipient) =>
        Effect.sync(() => {
          const found = [...tables.notifications.values()].filter(
            (one) => one.websiteConfigId === websiteConfigId && isRecipient(one.recipient)
          )
          setConfirmed(found)
          return found.length > 0
        }),
      unsubscribe: (notificationId) =>
        Effect.sync(() => {
          const found = tables.notifications.get(notificationId)
          if (found === undefined) return
          tables.remove(notificationId)
          tables.updateRecipient(found, { isUnsubscribed: true })
        }),
      eraseRecipient: (address, websiteConfigId) => Effect.sync(() => tables.eraseRecipient(address, websiteConfigId))
    })
  })
)

/**
 * Stores notifications in PostgreSQL, and reads them with their latest mails. Keeps `site.has_subscribers` true while the website has a
 * notification or a webhook.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { NotificationId, WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import * as Rounds from "../../../platform/rounds/Rounds.ts"
import { decodeColumn, decodeRows, Time } from "../../../platform/runtime/Rows.ts"
import type { LimitReached } from "../../../platform/Storage.ts"
import type { Access } from "../../../sites/access/Access.ts"
import * as People from "../../../sites/access/postgres/People.ts"
import * as Maximums from "../../../sites/Maximums.ts"
import * as SiteLock from "../../../sites/postgres/SiteLock.ts"
import { refreshSubscribers } from "../../postgres/Webhooks.ts"
import * as MailRecipient from "../MailRecipient.ts"
import * as MailTimes from "../MailTimes.ts"
import {
  type AddedByOwner,
  defaultConversations,
  LatestMail,
  type NewNotification,
  Notification,
  Notifications,
  type ResentConfirmation,
  type StoredNotification,
  SubmissionMail
} from "../Notification.ts"
import * as MailItems from "./MailItems.ts"
import * as Recipients from "./Recipients.ts"

/** The columns of a notification. */
export const fields = { ...Notification.fields, website_config_id: WebsiteConfigId, created_at: Time }

export const columns = `notification.notification_id, notification.website_config_id, recipient AS "to", period AS report, page,
  digest, include_quarantined AS quarantined, mails_conversations AS conversations, mails_problems AS problems, is_confirmed AS confirmed, notification.created_at`

const mailFields = {
  mailedAt: Schema.NullOr(Time),
  status: Schema.NullOr(LatestMail.fields.status),
  attempts: Schema.NullOr(Schema.Int),
  error: Schema.NullOr(Schema.String)
}

const Listed = Schema.Array(Schema.Struct({ ...fields, ...mailFields }))

const OfSubmission = Schema.Array(Schema.Struct({ ...SubmissionMail.fields, created_at: Time }))

const listStatement = `SELECT ${columns}, latest.created_at AS "mailedAt", status, attempts, error
  FROM notification LEFT JOIN LATERAL (
    SELECT created_at, status, attempts, error FROM mail WHERE mail.notification_id = notification.notification_id
    ORDER BY created_at DESC LIMIT 1
  ) AS latest ON true
  WHERE notification.website_config_id = $1 ORDER BY notification.created_at, notification.notification_id`

const ofSubmissionStatement = `SELECT recipient AS "to", coalesce(status, 'waiting') AS status,
    coalesce(mail.created_at, mail_item.created_at) AS created_at, error
  FROM notification JOIN mail_item USING (notification_id) LEFT JOIN mail USING (mail_id)
  WHERE notification.website_config_id = $1 AND mail_item.submission_id = $2
    AND (status IN ('sent', 'failed') OR ${MailItems.isMailable})
  ORDER BY notification.created_at, notification.notification_id`

const toListed = ({ attempts, error, mailedAt, status, ...notification }: (typeof Listed.Type)[number]) => ({
  ...notification,
  latest_mail:
    mailedAt === null || status === null || attempts === null ? null : { created_at: mailedAt, status, attempts, error }
})

export interface Options {
  /** The key from which the hashes of recipients' addresses are made. A process that sends mails has it. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
}

const Found = Schema.Array(Schema.Struct(fields))
const Put = Schema.Tuple([Schema.Struct(fields)])
const ofSiteStatement = `SELECT ${columns} FROM notification WHERE website_config_id = $1`

const ofRecipientStatement = `${ofSiteStatement} AND lower(recipient) = lower($2)`

/**
 * Makes a confirmation mail for the recipient of a notification. Cancels the recipient's earlier ones that are not sent yet, so
 * that only one is sent after the mail server was down. Needs a transaction.
 */
const makeConfirmation = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  {
    mailId,
    notification: { notification_id, website_config_id },
    now,
    previous
  }: {
    readonly mailId: string
    readonly notification: Pick<StoredNotification, "notification_id" | "website_config_id">
    /** The recipient's notifications that were stored before, with `notification` if it was one of them. */
    readonly previous: ReadonlyArray<Pick<StoredNotification, "notification_id">>
    readonly now: number
  }
) {
  const ids = Database.uuids(previous.map((one) => one.notification_id))
  yield* sql`UPDATE mail SET status = 'cancelled', next_attempt_at = NULL
    WHERE notification_id = ANY (${ids}) AND kind = 'confirmation' AND status = 'pending'`
  yield* sql`INSERT INTO mail (mail_id, notification_id, website_config_id, kind, created_at, next_attempt_at)
    VALUES (${PgTypes.uuid(mailId)}, ${PgTypes.uuid(notification_id)}, ${PgTypes.uuid(website_config_id)},
      'confirmation', ${PgTypes.timestamptz(now)}, now())`
})

export const layer = ({ secretsKey }: Options): Layer.Layer<Notifications, never, PgClient.PgClient> =>
  Layer.effect(
    Notifications,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const whileLocked = yield* SiteLock.make
      const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        effect.pipe(sql.withTransaction, Database.mapErrors, Rounds.waking("mails"))

      const keyOf = (websiteConfigId: WebsiteConfigId, address: string) =>
        Option.map(
          secretsKey,
          (secret): Recipients.Key => ({
            websiteConfigId,
            digest: MailRecipient.digestOf(Redacted.value(secret), websiteConfigId, address)
          })
        )

      /** Locks the website, and returns its time zone. */
      const lockSite = (websiteConfigId: WebsiteConfigId) =>
        sql`SELECT time_zone FROM site
          WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND deleted_at IS NULL FOR NO KEY UPDATE`.pipe(
          decodeColumn(Schema.String),
          Effect.map(([zone]) => zone)
        )

      /**
       * Adds a notification, or changes the one with the same recipient, kind, form and period. What is due stays due. The website must
       * be locked.
       */
      const put = (
        websiteConfigId: WebsiteConfigId,
        given: NewNotification,
        {
          isConfirmed,
          notificationId,
          now,
          timeZone
        }: {
          readonly isConfirmed: boolean
          readonly notificationId: NotificationId
          readonly now: number
          readonly timeZone: string
        }
      ) => {
        const { digest = null, page = null, problems = false, quarantined = false, report = null, to } = given
        const conversations = given.conversations ?? defaultConversations(given)
        const dueAt = report === null ? null : MailTimes.nextDue(report, { now, timeZone })
        const stored = sql`INSERT INTO notification
            (notification_id, website_config_id, recipient, kind, digest, include_quarantined, mails_conversations, mails_problems,
              period, page, created_at, due_at, is_confirmed)
          VALUES (${PgTypes.uuid(notificationId)}, ${PgTypes.uuid(websiteConfigId)}, ${PgTypes.text(to)},
            ${PgTypes.text(report === null ? "submissions" : "report")}, ${PgTypes.text(digest)},
            ${sql.literal(String(quarantined))}, ${PgTypes.text(conversations)}, ${sql.literal(String(problems))},
            ${PgTypes.text(report)}, ${PgTypes.text(page)},
            ${PgTypes.timestamptz(now)},
            ${PgTypes.timestamptz(dueAt)}, ${sql.literal(String(isConfirmed))})
          ON CONFLICT (website_config_id, recipient, kind, coalesce(period, ''), coalesce(page, '')) DO UPDATE SET
            digest = excluded.digest, include_quarantined = excluded.include_quarantined,
            mails_conversations = excluded.mails_conversations, mails_problems = excluded.mails_problems,
            is_confirmed = notification.is_confirmed OR excluded.is_confirmed,
            due_at = CASE WHEN notification.due_at > excluded.created_at THEN coalesce(excluded.due_at, excluded.created_at)
              ELSE notification.due_at END
          RETURNING ${sql.literal(columns)}`.pipe(
          decodeRows(Put),
          Effect.map(([row]) => row)
        )
        return Effect.andThen(
          sql`UPDATE site SET has_subscribers = true WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}`,
          stored
        )
      }

      /** A website's notifications of an address, in any letter case. */
      const ofRecipient = (websiteConfigId: WebsiteConfigId, address: string) =>
        sql.unsafe(ofRecipientStatement, [PgTypes.uuid(websiteConfigId), PgTypes.text(address)]).pipe(decodeRows(Found))

      const setConfirmed = (found: ReadonlyArray<Pick<StoredNotification, "notification_id">>) =>
        sql`UPDATE notification SET is_confirmed = true WHERE NOT is_confirmed AND notification_id = ANY (${Database.uuids(found.map(({ notification_id }) => notification_id))})`

      const add: Notifications["Service"]["add"] = Effect.fnUntraced(function* (websiteConfigId, given) {
        const now = yield* Clock.currentTimeMillis
        const notificationId = NotificationId.make(randomUUID())
        return yield* transaction(
          Effect.gen(function* () {
            const timeZone = yield* lockSite(websiteConfigId)
            if (timeZone === undefined) return Option.none()
            yield* Effect.flatMap(ofRecipient(websiteConfigId, given.to), setConfirmed)
            const notification = yield* put(websiteConfigId, given, {
              isConfirmed: true,
              notificationId,
              now,
              timeZone
            })
            yield* Effect.forEach(Option.toArray(keyOf(websiteConfigId, given.to)), (key) =>
              Recipients.deleteUnsubscribed(sql, key)
            )
            return Option.some(notification)
          })
        )
      })

      const addByOwner: Notifications["Service"]["addByOwner"] = Effect.fnUntraced(function* (websiteConfigId, given) {
        const key = Option.getOrThrow(keyOf(websiteConfigId, given.to))
        const now = yield* Clock.currentTimeMillis
        const [notificationId, mailId] = [NotificationId.make(randomUUID()), randomUUID()]
        return yield* Effect.gen(function* (): Effect.fn.Return<AddedByOwner, SqlError.SqlError | LimitReached> {
          const timeZone = yield* lockSite(websiteConfigId)
          if (timeZone === undefined) return { _tag: "NoWebsite" }
          const known = yield* ofRecipient(websiteConfigId, given.to)
          const isSame = known.some(
            (one) => one.to === given.to && one.report === (given.report ?? null) && one.page === (given.page ?? null)
          )
          if (!isSame) yield* SiteLock.requireRoom(sql, websiteConfigId, "notification", Maximums.notifications)
          const facts = yield* Recipients.facts(sql, key, now)
          const isPerson = yield* People.isConfirmed(sql, websiteConfigId, given.to)
          const decision: MailRecipient.Decision = isSame
            ? { _tag: "Accepted", sendsConfirmation: false }
            : MailRecipient.decide({ ...facts, isKnown: known.length > 0 || isPerson }, now)
          if (decision._tag !== "Accepted") return decision
          const isConfirmed = isPerson || known.some((one) => one.confirmed)
          const notification = yield* put(websiteConfigId, given, { isConfirmed, notificationId, now, timeZone })
          if (decision.sendsConfirmation) {
            yield* Recipients.recordAdded(sql, key, now)
            yield* makeConfirmation(sql, { mailId, notification, previous: known, now })
          }
          return { _tag: "Added", notification }
        }).pipe(whileLocked(websiteConfigId), Rounds.waking("mails"))
      })

      const resendConfirmation: Notifications["Service"]["resendConfirmation"] = Effect.fnUntraced(
        function* (websiteConfigId, notificationId) {
          const found = yield* find(websiteConfigId, notificationId)
          if (Option.isNone(found)) return { _tag: "NoNotification" }
          const { to } = found.value
          const key = Option.getOrThrow(keyOf(websiteConfigId, to))
          const now = yield* Clock.currentTimeMillis
          const mailId = randomUUID()
          return yield* transaction(
            Effect.gen(function* (): Effect.fn.Return<ResentConfirmation, SqlError.SqlError> {
              if ((yield* lockSite(websiteConfigId)) === undefined) return { _tag: "NoNotification" }
              const known = yield* ofRecipient(websiteConfigId, to)
              const notification = known.find((one) => one.notification_id === notificationId)
              if (notification === undefined) return { _tag: "NoNotification" }
              const facts = yield* Recipients.facts(sql, key, now)
              const decision = MailRecipient.decideRepeat({ ...facts, isConfirmed: notification.confirmed }, now)
              if (decision._tag !== "Accepted") return decision
              yield* Recipients.recordResent(sql, key, now)
              yield* makeConfirmation(sql, { mailId, notification, previous: known, now })
              return { _tag: "Resent", notification }
            })
          )
        }
      )

      const first = ([row]: typeof Found.Type) => Option.fromUndefinedOr(row)
      /** The notification of a website. */
      const named = (websiteConfigId: WebsiteConfigId, notificationId: NotificationId) =>
        sql`website_config_id = ${PgTypes.uuid(websiteConfigId)} AND notification_id = ${PgTypes.uuid(notificationId)}`

      const find: Notifications["Service"]["find"] = (websiteConfigId, notificationId) =>
        sql`SELECT ${sql.literal(columns)} FROM notification WHERE ${named(websiteConfigId, notificationId)}`.pipe(
          Database.read(Found),
          Effect.map(first)
        )

      const remove: Notifications["Service"]["remove"] = (websiteConfigId, notificationId) =>
        transaction(
          Effect.gen(function* () {
            yield* lockSite(websiteConfigId)
            const removed =
              yield* sql`DELETE FROM notification WHERE ${named(websiteConfigId, notificationId)} RETURNING 1`
            if (removed.length === 0) return false
            yield* refreshSubscribers(sql, websiteConfigId)
            return true
          })
        )

      const confirm: Notifications["Service"]["confirm"] = (websiteConfigId, isRecipient) =>
        transaction(
          Effect.gen(function* () {
            // As `addByOwner`, which then finds the address confirmed, or has added its notification before this reads them.
            yield* lockSite(websiteConfigId)
            const all = yield* sql.unsafe(ofSiteStatement, [PgTypes.uuid(websiteConfigId)]).pipe(decodeRows(Found))
            const found = all.filter(({ to }) => isRecipient(to))
            yield* setConfirmed(found)
            return found.length > 0
          })
        )

      const unsubscribe: Notifications["Service"]["unsubscribe"] = Effect.fnUntraced(function* (notificationId) {
        const found = yield* sql`SELECT ${sql.literal(columns)} FROM notification
          WHERE notification_id = ${PgTypes.uuid(notificationId)}`.pipe(Database.read(Found), Effect.map(first))
        if (Option.isNone(found)) return
        const { website_config_id: websiteConfigId } = found.value
        const now = yield* Clock.currentTimeMillis
        yield* transaction(
          Effect.gen(function* () {
            yield* lockSite(websiteConfigId)
            yield* sql`DELETE FROM notification WHERE notification_id = ${PgTypes.uuid(notificationId)}`
            yield* Recipients.recordUnsubscribed(sql, Option.toArray(keyOf(websiteConfigId, found.value.to)), now)
            yield* refreshSubscribers(sql, websiteConfigId)
          })
        )
      })

      /** Locks websites, and returns the keys of an address among their recipients. */
      const lockedKeys = (sites: Access["sites"], recipient: string) => {
        const named = sites === "all" ? sql.literal("true") : sql`website_config_id = ANY (${Database.uuids(sites)})`
        return sql`SELECT website_config_id FROM site WHERE ${named} AND deleted_at IS NULL
          ORDER BY website_config_id FOR NO KEY UPDATE`.pipe(
          decodeColumn(WebsiteConfigId),
          Effect.map((found) => found.flatMap((id) => Option.toArray(keyOf(id, recipient))))
        )
      }

      /** The websites of these keys that have a confirmed notification of an address. */
      const confirmedSites = (keys: ReadonlyArray<Recipients.Key>, recipient: string) =>
        sql`SELECT DISTINCT website_config_id FROM notification WHERE is_confirmed
          AND lower(recipient) = lower(${PgTypes.text(recipient)})
          AND website_config_id = ANY (${Database.uuids(keys.map(({ websiteConfigId }) => websiteConfigId))})`.pipe(
          decodeColumn(WebsiteConfigId),
          Effect.map((found) => new Set(found))
        )

      const countInvitation: Notifications["Service"]["countInvitation"] = Effect.fnUntraced(
        function* (sites, recipient) {
          const now = yield* Clock.currentTimeMillis
          return yield* transaction(
            Effect.gen(function* () {
              const keys = yield* lockedKeys(sites, recipient)
              const confirmed = yield* confirmedSites(keys, recipient)
              const facts = yield* Recipients.factsOfAll(sql, keys, now)
              const decision = MailRecipient.decideInvitation(
                facts.map((one, index) => ({ ...one, isConfirmed: confirmed.has(keys[index]!.websiteConfigId) })),
                now
              )
              if (decision._tag !== "Accepted") return decision
              const counted = keys.filter(({ websiteConfigId }) => !confirmed.has(websiteConfigId))
              yield* Recipients.recordInvited(sql, counted, now)
              return decision
            })
          )
        }
      )

      const refuseInvitations: Notifications["Service"]["refuseInvitations"] = Effect.fnUntraced(
        function* (sites, recipient) {
          const now = yield* Clock.currentTimeMillis
          yield* transaction(
            Effect.flatMap(lockedKeys(sites, recipient), (keys) => Recipients.recordUnsubscribed(sql, keys, now))
          )
        }
      )

      const eraseRecipient: Notifications["Service"]["eraseRecipient"] = Effect.fnUntraced(
        function* (recipient, websiteConfigId) {
          const sites = yield* sql`SELECT website_config_id FROM site`.pipe(Database.readColumn(WebsiteConfigId))
          const keys = sites
            .filter((id) => websiteConfigId === null || id === websiteConfigId)
            .flatMap((id) => Option.toArray(keyOf(id, recipient)))
          yield* Database.mapErrors(Recipients.erase(sql, keys))
        }
      )

      return Notifications.of({
        add,
        addByOwner,
        resendConfirmation,
        confirm,
        unsubscribe,
        countInvitation,
        refuseInvitations,
        eraseRecipient,
        ofSubmission: (websiteConfigId, submissionId) =>
          sql
            .unsafe(ofSubmissionStatement, [PgTypes.uuid(websiteConfigId), PgTypes.uuid(submissionId)])
            .pipe(Database.read(OfSubmission)),
        isUsed: sql`(SELECT 1 FROM notification LIMIT 1) UNION ALL (SELECT 1 FROM auto_reply LIMIT 1)`.pipe(
          Database.mapErrors,
          Effect.map((rows) => rows.length > 0)
        ),
        find,
        remove,
        list: (websiteConfigId) =>
          sql.unsafe(listStatement, [PgTypes.uuid(websiteConfigId)]).pipe(
            Database.read(Listed),
            Effect.map((rows) => rows.map(toListed))
          )
      })
    })
  )

/**
 * Finds the problems of websites from what PostgreSQL stores, and from when their tags were last seen (`Reports.lastReceived`).
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Reports } from "../../analytics/reports/Reports.ts"
import * as AgentFailures from "../../chat/postgres/AgentFailures.ts"
import * as Webhook from "../../delivery/Webhook.ts"
import { hostOf } from "../../delivery/Webhook.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../platform/Id.ts"
import * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Problem from "../Problem.ts"

export interface Options {
  /** The receivers of webhooks whose hosts only the operator may know. */
  readonly operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>
}

/** The maximum number of failed attempts that are counted for a webhook. */
const maxAttempts = 1_000

const series = {
  site: WebsiteConfigId,
  times: Schema.Int,
  since: Schema.Finite,
  lastAt: Schema.Finite
}

const ofSite = 'website_config_id AS "site"'

const times = (since: string, lastAt: string) =>
  `${Times.millisAs(since, "since")}, ${Times.millisAs(lastAt, "lastAt")}`

const Refusals = Schema.Array(
  Schema.Struct({
    ...series,
    reason: Schema.Literals(["foreign-origin", "chat-foreign-origin", "form-rule", "limit"]),
    subject: Schema.String,
    field: Schema.String,
    stored: Schema.Int
  })
)

/** The stored submissions of the form of a row of `refused`, counted up to what matters for a problem. */
const storedOfForm = `SELECT count(*)::int AS stored FROM (
    SELECT FROM submission WHERE submission.website_config_id = refused.website_config_id AND received_at >= refused.since
      AND coalesce(page_slug, '') = refused.subject LIMIT times * ${Problem.storedForRefused} + 1
  ) AS limited`

/** An SQL condition: whether a page of the origin in `subject` would be refused now. Null if the instance is deleted. */
const isStillRefused = (origins: string) => `subject <> '' AND ${origins} <> '{}' AND subject <> ALL (${origins})`

/** The refused requests of the last days. Origins that are allowed by now are not refused any more. Exported for tests. */
export const refusalStatement = `WITH refused AS (
    SELECT website_config_id, reason, subject, field, least(sum(times), ${Number.MAX_SAFE_INTEGER})::bigint AS times,
      min(first_at) AS since, max(last_at) AS last_at
    FROM (
      SELECT website_config_id, CASE WHEN reason IN ('limited', 'chat-limited') THEN 'limit' ELSE reason END AS reason,
        subject, field, times, first_at, last_at
      FROM refusal WHERE website_config_id = ANY ($1) AND day > $2::date
    ) AS named GROUP BY website_config_id, reason, subject, field
  )
  SELECT refused.website_config_id AS "site", reason, subject, field, least(times, 2147483647)::int AS times, ${times("since", "last_at")}, stored
  FROM refused JOIN site USING (website_config_id)
  LEFT JOIN instance ON instance_id = CASE WHEN reason = 'chat-foreign-origin' AND field <> '' THEN field::uuid END
  CROSS JOIN LATERAL (SELECT CASE WHEN reason = 'form-rule' THEN (${storedOfForm}) ELSE 0 END AS stored) AS counted
  WHERE CASE reason
    WHEN 'foreign-origin' THEN ${isStillRefused("site.origins")}
    WHEN 'chat-foreign-origin' THEN ${isStillRefused("instance.origins")}
    ELSE true END`

const WebhookFailures = Schema.Array(
  Schema.Struct({
    ...series,
    webhookId: Schema.String,
    url: Schema.String,
    lastStatus: Schema.NullOr(Schema.Int),
    lastError: Schema.NullOr(Schema.String),
    disabledAt: Schema.NullOr(Schema.Finite)
  })
)

/**
 * The series of failures began when its first attempt ended. A disabled webhook has one failure at least: that which disabled it.
 * Reads the latest attempts by index, however many deliveries the webhook has. Exported for tests.
 */
export const webhookStatement = `SELECT ${ofSite}, webhook_id AS "webhookId", url, greatest(attempts.times, 1)::int AS times,
    ${times("failing_since", "greatest(failing_since, attempts.last_at)")}, attempts.statuses[1] AS "lastStatus",
    attempts.errors[1] AS "lastError", ${Times.millisAs("disabled_at", "disabledAt")}
  FROM webhook CROSS JOIN LATERAL (
    SELECT count(*) AS times, max(attempted_at) AS last_at, array_agg(status ORDER BY attempted_at DESC) AS statuses,
      array_agg(error ORDER BY attempted_at DESC) AS errors
    FROM (
      SELECT attempted_at, status, millis, error FROM delivery_attempt WHERE subscriber_id = webhook_id
      ORDER BY attempted_at DESC LIMIT ${maxAttempts}
    ) AS latest
    WHERE attempted_at + millis * interval '1 millisecond' >= failing_since AND coalesce(status, 0) NOT BETWEEN 200 AND 299
  ) AS attempts
  WHERE website_config_id = ANY ($1) AND failing_since IS NOT NULL`

const MailFailures = Schema.Array(Schema.Struct({ ...series, notificationId: Schema.String, recipient: Schema.String }))

/** The mails since the last one that was accepted. A pending mail has failed if it was attempted and has an error. */
const mailStatement = `SELECT notification.website_config_id AS "site", notification_id AS "notificationId", recipient,
    failed.times::int AS times, ${times("failed.since", "failed.last_at")}
  FROM notification CROSS JOIN LATERAL (
    SELECT sum(attempts) AS times, min(created_at) AS since, max(created_at) AS last_at FROM mail
    WHERE mail.notification_id = notification.notification_id AND status IN ('failed', 'pending') AND attempts > 0
      AND error IS NOT NULL AND created_at > coalesce((
        SELECT max(created_at) FROM mail AS sent
        WHERE sent.notification_id = notification.notification_id AND sent.status = 'sent'), '-infinity')
  ) AS failed WHERE notification.website_config_id = ANY ($1) AND failed.times > 0`

const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1)

const Sites = Schema.Array(Schema.Struct({ websiteConfigId: WebsiteConfigId, hostedWebsiteId: HostedWebsiteId }))

type Facts = ReadonlyArray<readonly [site: WebsiteConfigId, fact: Problem.Fact]>

export const layer = ({ operatorsHosts }: Options): Layer.Layer<Problem.Problems, SqlError, PgClient | Reports> =>
  Layer.effect(
    Problem.Problems,
    Effect.gen(function* () {
      const sql = yield* Database.OwnerConnections
      const reports = yield* Reports

      const storedFacts = Effect.fnUntraced(function* (sites: ReadonlyArray<Problem.CheckedSite>, now: number) {
        const ids = Database.uuids(sites.map(({ websiteConfigId }) => websiteConfigId))
        const lastDayBefore = PgTypes.date(Calendar.dateOf(now - Problem.countedDays * Calendar.dayMillis))
        const refusals = yield* sql.unsafe(refusalStatement, [ids, lastDayBefore]).pipe(decodeRows(Refusals))
        const agents = yield* AgentFailures.stored(sql, "website_config_id = ANY ($1)", [ids])
        const webhooks = yield* sql.unsafe(webhookStatement, [ids]).pipe(decodeRows(WebhookFailures))
        const mails = yield* sql.unsafe(mailStatement, [ids]).pipe(decodeRows(MailFailures))
        return [
          ...refusals.map(({ field, reason, site, stored, subject, ...counted }): Facts[number] => [
            site,
            reason === "limit"
              ? { _tag: "LimitRefusals", ...counted }
              : reason === "form-rule"
                ? { _tag: "RefusedField", page: subject, field, stored, ...counted }
                : { _tag: "RefusedOrigin", origin: subject, instanceId: field === "" ? null : field, ...counted }
          ]),
          ...agents.flatMap(
            ({ kind, reason, site, ...counted }): Facts =>
              site === null
                ? []
                : [
                    [
                      site,
                      kind === "failed"
                        ? { _tag: "AgentFailures", reason, ...counted }
                        : { _tag: "TokenRefusals", ...counted }
                    ]
                  ]
          ),
          ...webhooks.map(({ lastError, site, url, ...counted }): Facts[number] => {
            const isHidden = Webhook.isOperators(operatorsHosts, { url })
            return [
              site,
              {
                _tag: "WebhookFailures",
                host: isHidden ? null : hostOf(url),
                lastError: isHidden
                  ? Option.getOrElse(AddressGuard.withoutHost(lastError ?? ""), () => lastError)
                  : lastError,
                ...counted
              }
            ]
          }),
          ...mails.map(({ recipient, site, ...counted }): Facts[number] => [
            site,
            { _tag: "MailFailures", domain: domainOf(recipient), ...counted }
          ])
        ]
      }, Database.mapErrors)

      const of = Effect.fnUntraced(function* (sites: ReadonlyArray<Problem.CheckedSite>) {
        if (sites.length === 0) return new Map()
        const now = yield* Clock.currentTimeMillis
        const seenAt = yield* reports.lastReceived(sites)
        const stored = Map.groupBy(yield* storedFacts(sites, now), ([site]) => site)
        return new Map(
          sites.map(({ hostedWebsiteId, websiteConfigId }) => {
            const at = seenAt.get(hostedWebsiteId)
            const seen: ReadonlyArray<Problem.Fact> = at === undefined ? [] : [{ _tag: "LastSeen", at }]
            const facts = stored.get(websiteConfigId)?.map(([, fact]) => fact) ?? []
            return [websiteConfigId, Problem.problemsOf([...facts, ...seen], now)] as const
          })
        )
      })

      return Problem.Problems.of({
        of,
        among: Effect.fnUntraced(function* (sites) {
          const all =
            yield* sql`SELECT website_config_id AS "websiteConfigId", hosted_website_id AS "hostedWebsiteId" FROM site
            WHERE deleted_at IS NULL AND ${
              sites === "all" ? sql`true` : sql`website_config_id = ANY (${Database.uuids(sites)})`
            }`.pipe(Database.read(Sites))
          return new Map([...(yield* of(all))].filter(([, { length }]) => length > 0))
        })
      })
    })
  ).pipe(Layer.provide(Database.layerOwner))

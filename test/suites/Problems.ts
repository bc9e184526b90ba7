/**
 * The tests that every storage must pass with its `Problems`.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import type { Reports } from "../../src/analytics/reports/Reports.ts"
import { AgentFailures } from "../../src/chat/AgentFailures.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import { type Problem, Problems } from "../../src/health/Problem.ts"
import * as Decision from "../../src/platform/http/Decision.ts"
import * as AddressGuard from "../../src/platform/outward/AddressGuard.ts"
import { dateOf, dayMillis } from "../../src/platform/text/Calendar.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import type { Site } from "../../src/sites/Site.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { view } from "../support/TestStorage.ts"
import { poll } from "../support/Wait.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "a", origins: ["https://a.example"] }))

const problemsOf = (site: Site) =>
  Problems.use((problems) => problems.of([site])).pipe(
    Effect.map((found): ReadonlyArray<Problem> => found.get(site.websiteConfigId) ?? [])
  )

const kindsOf = (site: Site) => Effect.map(problemsOf(site), (problems) => problems.map(({ kind }) => kind))

interface Refusal {
  readonly reason: string
  readonly subject?: string
  readonly field?: string
  readonly times: number
  readonly at: number
}

const refuse = Effect.fnUntraced(function* (site: Site, { at, field = "", reason, subject = "", times }: Refusal) {
  const sql = yield* PgClient
  const time = PgTypes.timestamptz(at)
  yield* sql`INSERT INTO refusal (website_config_id, day, reason, subject, field, times, first_at, last_at)
    VALUES (${PgTypes.uuid(site.websiteConfigId)}, ${PgTypes.date(dateOf(at))}, ${reason}, ${subject}, ${field},
      ${PgTypes.int8(BigInt(times))}, ${time}, ${time})`
})

const seen = (site: Site, receivedAt: number) =>
  AnalyticsRepo.use((repo) => repo.append({ ...view(0, 1, site.hostedWebsiteId), receivedAt }))

export const suite = <E>(
  name: string,
  layer: Layer.Layer<
    | Problems
    | Decisions
    | AgentFailures
    | SiteDirectory
    | AnalyticsRepo
    | InstanceDirectory
    | Notifications
    | Reports
    | PgClient,
    E
  >
) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("a website without anything wrong has no problem, and each website has its own", () =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const [quiet, refused] = [yield* newSite, yield* newSite]
        yield* seen(quiet, now)
        yield* refuse(refused, { reason: "foreign-origin", subject: "https://b.example", times: 3, at: now })
        const found = yield* Problems.use((problems) => problems.of([quiet, refused]))
        assert.deepStrictEqual([...(found.get(quiet.websiteConfigId) ?? [])], [])
        assert.deepStrictEqual(
          found.get(refused.websiteConfigId)?.map(({ count, kind, subject }) => [kind, subject, count]),
          [["origin_refused", "https://b.example", 3]]
        )
        assert.lengthOf([...(yield* Problems.use((problems) => problems.of([])))], 0)
      })
    )

    it.effect("an origin that is allowed by now is no problem", () =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const site = yield* newSite
        yield* refuse(site, { reason: "foreign-origin", subject: "https://b.example", times: 2, at: now - dayMillis })
        assert.deepStrictEqual(yield* kindsOf(site), [])
        yield* refuse(site, { reason: "foreign-origin", subject: "https://b.example", times: 2, at: now })
        const [problem] = yield* problemsOf(site)
        assert.deepInclude(problem, {
          kind: "origin_refused",
          count: 4,
          since: new Date(now - dayMillis).toISOString(),
          last_at: new Date(now).toISOString()
        })
        const change = { origins: ["https://a.example", "https://b.example"] }
        yield* SiteDirectory.use((sites) => sites.update(site.websiteConfigId, change))
        assert.deepStrictEqual(yield* kindsOf(site), [])
      })
    )

    it.effect("the tag is silent three days after the last page view, and not before the first", () =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const site = yield* newSite
        assert.deepStrictEqual(yield* kindsOf(site), [])
        yield* seen(site, now - 10 * dayMillis)
        const [problem] = yield* problemsOf(site)
        assert.deepInclude(problem, {
          kind: "tag_silent",
          since: new Date(now - 10 * dayMillis).toISOString(),
          count: 10
        })
        yield* seen(site, now - 2 * dayMillis)
        assert.deepStrictEqual(yield* kindsOf(site), [])
      })
    )

    it.effect("a rule that refuses many is a problem of its form and field", () =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const site = yield* newSite
        yield* refuse(site, { reason: "form-rule", subject: "contact", field: "phone", times: 12, at: now })
        yield* refuse(site, { reason: "form-rule", subject: "contact", field: "name", times: 2, at: now })
        yield* refuse(site, { reason: "limited", times: 15, at: now })
        yield* refuse(site, { reason: "chat-limited", times: 6, at: now })
        assert.deepStrictEqual(
          (yield* problemsOf(site)).map(({ count, field, kind, subject }) => [kind, subject, field, count]),
          [
            ["form_rules_refuse", "contact", "phone", 12],
            ["limit_reached", null, null, 21]
          ]
        )
      })
    )

    it.effect("an assistant whose agent fails is a problem of its website", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient
        const now = yield* Clock.currentTimeMillis
        const site = yield* newSite
        const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
          instances.create({ name: "Help", agent_url: "http://agent", website_config_id: site.websiteConfigId })
        )
        const time = PgTypes.timestamptz(now)
        for (const kind of ["failed", "tokens-used"]) {
          yield* sql`INSERT INTO agent_failure (instance_id, kind, times, since, last_at, reason)
            VALUES (${PgTypes.uuid(instanceId)}, ${kind}, 4, ${time}, ${time}, 'it was silent')`
        }
        assert.deepStrictEqual(
          (yield* problemsOf(site)).map(({ count, kind, reason, subject }) => [kind, subject, reason, count]),
          [
            ["agent_failed", "Help", "it was silent", 4],
            ["tokens_used_up", "Help", null, 4]
          ]
        )
      })
    )

    it.effect("refused requests become problems, and a flood of origins keeps a bounded number of them apart", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient
        const site = yield* newSite
        const { record } = yield* Decisions
        const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
        const refuseOrigin = (origin: string) => record(subject, "foreign-origin", Decision.refused(origin))
        for (let time = 0; time < 3; time++) yield* refuseOrigin("https://b.example")
        yield* poll(kindsOf(site), (kinds) => kinds.includes("origin_refused"))
        for (let round = 0; round < 3; round++) {
          for (let number = 0; number < 30; number++) yield* refuseOrigin(`https://${round}-${number}.example`)
          const counted = sql<{ readonly times: bigint; readonly origins: bigint }>`
            SELECT coalesce(sum(times), 0)::bigint AS times, count(*) AS origins FROM refusal
            WHERE website_config_id = ${PgTypes.uuid(site.websiteConfigId)}`
          const [row] = yield* poll(counted, ([row]) => row?.times === BigInt(3 + 30 * (round + 1)))
          // One more for those that are not kept apart.
          assert.isAtMost(Number(row?.origins), Decision.maxDistinctRefused + 1)
          assert.isAbove(Number(row?.origins), 1)
        }
        const [problem] = yield* problemsOf(site)
        assert.deepInclude(problem, { subject: "https://b.example", count: 3 })
      })
    )

    it.effect("an origin that an assistant refuses is a problem of its website until the assistant allows it", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const instances = yield* InstanceDirectory
        const { record } = yield* Decisions
        const { instance_id: instanceId } = yield* instances.create({
          name: "Help",
          agent_url: "http://agent",
          website_config_id: site.websiteConfigId,
          origins: ["https://a.example"]
        })
        const subject = { _tag: "Claimed", by: "instance-id", id: instanceId } as const
        const refused = Decision.refused("https://b.example", instanceId)
        for (let time = 0; time < 3; time++) yield* record(subject, "chat-foreign-origin", refused)
        const [problem] = yield* poll(problemsOf(site), (problems) => problems.length > 0)
        assert.deepInclude(problem, { kind: "origin_refused", subject: "https://b.example", subject_id: instanceId })
        yield* instances.update(instanceId, { origins: ["https://a.example", "https://b.example"] })
        assert.deepStrictEqual(yield* kindsOf(site), [])
      })
    )

    it.effect("the failures of an agent are a problem until its next answer", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const { record } = yield* AgentFailures
        const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
          instances.create({ name: "Help", agent_url: "http://agent", website_config_id: site.websiteConfigId })
        )
        const failed = (reason: string) => record(instanceId, { _tag: "Failed", kind: "failed", reason })
        yield* record(randomUUID(), { _tag: "Failed", kind: "failed", reason: "of a deleted instance" })
        yield* failed("the agent answered 500")
        yield* failed("the agent answered 401")
        const [problem] = yield* poll(problemsOf(site), (problems) => problems.length > 0)
        assert.deepInclude(problem, { kind: "agent_failed", reason: "the agent answered 401", count: 2 })
        yield* record(instanceId, { _tag: "Answered" })
        yield* poll(kindsOf(site), (kinds) => kinds.length === 0)
      })
    )

    it.effect("a webhook that fails is a problem, with the number of its failed attempts", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient
        const now = yield* Clock.currentTimeMillis
        const site = yield* newSite
        const [siteId, webhook, event] = [PgTypes.uuid(site.websiteConfigId), randomUUID(), randomUUID()]
        const since = PgTypes.timestamptz(now - 60_000)
        yield* sql`INSERT INTO webhook (webhook_id, website_config_id, url, secret, failing_since)
          VALUES (${PgTypes.uuid(webhook)}, ${siteId}, 'https://hooks.example/a', '', ${since})`
        yield* sql`INSERT INTO delivery (event_id, subscriber_id, website_config_id, type, created_at, attempts)
          VALUES (${PgTypes.uuid(event)}, ${PgTypes.uuid(webhook)}, ${siteId}, 'submission.accepted', ${since}, 4)`
        for (const [at, status] of [
          [-120_000, 500],
          [-60_000, 500],
          [-30_000, null],
          [-10_000, 503]
        ] as const) {
          yield* sql`INSERT INTO delivery_attempt (event_id, subscriber_id, attempted_at, status, millis)
            VALUES (${PgTypes.uuid(event)}, ${PgTypes.uuid(webhook)}, ${PgTypes.timestamptz(now + at)},
              ${PgTypes.int4(status)}, 0)`
        }
        const [problem] = yield* problemsOf(site)
        assert.deepInclude(problem, {
          kind: "webhook_failing",
          subject: "hooks.example",
          subject_id: webhook,
          reason: "The receiver answered 503",
          count: 3
        })
        const error = AddressGuard.withSetting("hooks.example was not found on the public internet")
        yield* sql`INSERT INTO delivery_attempt (event_id, subscriber_id, attempted_at, status, millis, error)
          VALUES (${PgTypes.uuid(event)}, ${PgTypes.uuid(webhook)}, ${PgTypes.timestamptz(now)}, NULL, 0, ${error})`
        const [next] = yield* problemsOf(site)
        assert.deepInclude(next, { kind: "webhook_failing", reason: error, count: 4 })
        assert.include(next?.next_step, "WEBHOOK_ALLOW")
      })
    )

    it.effect("a recipient whose mails fail is a problem until one is accepted, and only its domain is named", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient
        const now = yield* Clock.currentTimeMillis
        const site = yield* newSite
        const added = yield* Notifications.use((all) => all.add(site.websiteConfigId, { to: "ann@mail.example" }))
        const { notification_id: notificationId } = Option.getOrThrow(added)
        const mail = (status: string, at: number, error: string | null) =>
          sql`INSERT INTO mail (mail_id, notification_id, website_config_id, kind, created_at, status, attempts, error)
            VALUES (${PgTypes.uuid(randomUUID())}, ${PgTypes.uuid(notificationId)}, ${PgTypes.uuid(site.websiteConfigId)},
              'submissions', ${PgTypes.timestamptz(at)}, ${status}, 1, ${PgTypes.text(error)})`
        yield* mail("failed", now - 5_000, "550 no such user ann@mail.example")
        assert.deepStrictEqual(yield* kindsOf(site), [])
        yield* mail("pending", now - 4_000, "timeout")
        const [problem] = yield* problemsOf(site)
        assert.deepInclude(problem, { kind: "mail_failing", subject: "mail.example", count: 2 })
        assert.notInclude(JSON.stringify(problem), "ann")
        yield* mail("sent", now - 3_000, null)
        assert.deepStrictEqual(yield* kindsOf(site), [])
      })
    )
  })

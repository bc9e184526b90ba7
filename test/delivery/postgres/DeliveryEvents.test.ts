import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decisions from "../../../src/sites/postgres/Decisions.ts"
import { suite } from "../../suites/DeliveryEvents.ts"
import { anything } from "../../support/DecisionCounts.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("delivery/postgres: events of conversations and limits", Delivery.postgres)

it.live(
  "delivery/postgres: a website has one site.limit event an hour, however many processes refuse its visitors",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const sites = yield* Effect.forEach([1, 2, 3], () => Delivery.newSite)
      for (const site of sites) yield* Delivery.newWebhook(site, "https://hooks.example/")
      const refuse = Effect.forEach(
        Array.from({ length: 8 }, (_, process) => (process % 2 === 0 ? sites : sites.toReversed())),
        (refusingSites) =>
          Decisions.storeBatch(
            sql,
            refusingSites.map((websiteConfigId) => ({
              subject: { _tag: "Known", websiteConfigId },
              reason: "limited",
              day: "2026-11-24",
              times: 2,
              ...anything
            })),
            randomUUID()
          ),
        { concurrency: "unbounded" }
      )
      const events = sql<{ readonly site: string; readonly refused: number }>`
      SELECT website_config_id AS site, (data ->> 'refused')::int AS refused FROM outbox ORDER BY created_at`
      yield* refuse
      const first = yield* events
      assert.sameMembers(
        first.map(({ site }) => site),
        sites
      )
      yield* sql`UPDATE site SET limit_event_at = limit_event_at - interval '59 minutes'`
      yield* refuse
      assert.lengthOf(yield* events, 3)
      yield* sql`UPDATE site SET limit_event_at = limit_event_at - interval '1 minute'`
      yield* refuse
      const all = yield* events
      assert.lengthOf(all, 6)
      assert.isTrue(all.slice(3).every(({ refused }) => refused >= 34))
    }).pipe(Effect.provide(Delivery.postgres))
)

import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site, view } from "../../support/TestStorage.ts"
import { session, unknown, uuid } from "../support/Session.ts"

describe("site", () => {
  it.effect("a created website is found by its id or its name and listed", () =>
    Effect.gen(function* () {
      const { context, json } = yield* session
      yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
      const created = yield* json(
        ...[
          "site",
          "create",
          "--name",
          " Shop ",
          "--origin",
          "HTTPS://Shop.Example:443",
          "--origin",
          "http://b.example:81/"
        ],
        ...["--time-zone", " Europe/Berlin"],
        ...["--origin", "https://shop.example"]
      )
      for (const id of [created.site_id, created.tracking_token]) assert.match(id, uuid)
      const found = yield* Effect.provide(
        SiteDirectory.use(({ byWebsiteConfigId }) => byWebsiteConfigId(created.site_id)),
        context
      )
      assert.deepStrictEqual(Option.getOrThrow(found).origins, ["https://shop.example", "http://b.example:81"])
      const list = yield* json("site", "list")
      assert.deepStrictEqual(list.sites[1], created)
      const renamed = yield* json("site", "update", "--site", "Shop", "--time-zone", "UTC")
      assert.deepStrictEqual(renamed, { ...created, time_zone: "UTC" })
      assert.deepStrictEqual(created, {
        site_id: created.site_id,
        tracking_token: created.tracking_token,
        name: "Shop",
        origins: ["https://shop.example", "http://b.example:81"],
        time_zone: "Europe/Berlin",
        created_at: "2026-03-01T12:00:00.000Z"
      })
    })
  )

  it.effect("update changes only the given settings", () =>
    Effect.gen(function* () {
      const { json, refusal } = yield* session
      const listed = Effect.map(json("site", "list"), ({ sites }) => sites[0])
      const before = yield* listed
      const update = ["site", "update", "--site", site.websiteConfigId]
      const renamed = yield* json(...update, "--name", " Shop ")
      assert.deepStrictEqual(renamed, { ...before, name: "Shop" })
      const moved = yield* json(...update, "--origin", "https://a.example/", "--origin", "https://b.example")
      assert.deepStrictEqual(moved, { ...renamed, origins: ["https://a.example", "https://b.example"] })
      assert.deepStrictEqual(yield* listed, moved)
      assert.deepStrictEqual(yield* json(...update, "--any-origin"), { ...renamed, origins: [] })
      const zoned = yield* json(...update, "--time-zone", "America/New_York")
      assert.deepStrictEqual(zoned, { ...renamed, origins: [], time_zone: "America/New_York" })

      for (const zone of ["+01:00", "Mars/Phobos", ""]) {
        assert.strictEqual(
          yield* refusal(...update, "--time-zone", zone),
          "The flag --time-zone must be an IANA time zone such as UTC or Europe/Berlin.\n"
        )
      }
      assert.strictEqual(
        yield* refusal(...update),
        "No change was given; `hydracore site update --help` lists the flags.\n"
      )
      assert.strictEqual(
        yield* refusal(...update, "--any-origin", "--origin", "https://a.example"),
        "The flag --any-origin must be left out when --origin is given.\n"
      )
      assert.strictEqual(
        yield* refusal("site", "update", "--site", unknown, "--any-origin"),
        `There is no website ${unknown}; \`hydracore site list\` lists them.\n`
      )
    })
  )

  it.effect("delete requires the website's name, deletes its data and prints the counts", () =>
    Effect.gen(function* () {
      const { context, json, refusal, text } = yield* session
      const created = yield* json("site", "create", "--name", "My shop")
      const remove = ["site", "delete", "--site", created.site_id]
      const found = yield* SiteDirectory.use(({ byWebsiteConfigId }) => byWebsiteConfigId(created.site_id)).pipe(
        Effect.provide(context)
      )
      const { hostedWebsiteId } = Option.getOrThrow(found)
      const add = (isBot: boolean) =>
        AnalyticsRepo.use(({ append }) =>
          append({ ...view(0, 0), hostedWebsiteId, exclusion: isBot ? "bot" : null })
        ).pipe(Effect.provide(context))
      yield* add(false)
      yield* add(false)
      yield* add(true)

      assert.match(yield* refusal(...remove), /^The flag --name is missing; /)
      assert.strictEqual(
        yield* refusal(...remove, "--name", "My shop 2"),
        "The flag --name was refused: the name of the website is expected; nothing was deleted.\n"
      )
      assert.lengthOf((yield* json("site", "list")).sites, 2)
      assert.deepStrictEqual(yield* json(...remove, "--name", "My shop"), {
        page_views: 2,
        bot_views: 1,
        events: 0,
        conversions: 0,
        submissions: 0,
        conversations: 0
      })
      assert.lengthOf((yield* json("site", "list")).sites, 1)
      for (const id of [created.site_id, created.tracking_token, unknown]) {
        assert.strictEqual(
          yield* refusal("site", "delete", "--site", id, "--name", "My shop"),
          `There is no website ${id}; \`hydracore site list\` lists them.\n`
        )
      }
      const { site_id: third } = yield* json("site", "create", "--name", "Third")
      const instances = Context.get(context, InstanceDirectory)
      const instance = yield* instances.create({ name: "a", agent_url: "https://a.example", website_config_id: third })
      const ended = yield* text("site", "delete", "--site", third, "--name", "Third", "--with-instances")
      assert.match(ended.stdout, /\nAny instance that served it is deleted with its tokens\.\n$/)
      assert.isTrue(Option.isNone(yield* instances.find(instance.instance_id)))
    })
  )

  it.effect("the same command completes a deletion that was interrupted, also by the website's name", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Layer.merge(onPostgres, TestClient.layer))
      const services = Layer.succeedContext(context)
      const directory = Context.get(context, SiteDirectory)
      const { websiteConfigId } = yield* directory.create({ name: "Gone", origins: [] })
      const sql = Context.get(context, PgClient.PgClient)
      yield* sql`UPDATE site SET deleted_at = now() WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}`
      const command = ["site", "delete", "--site", "Gone", "--name", "Gone", "--with-instances"]
      const ended = yield* run(command, services)
      assert.deepInclude(ended, { code: 0, stderr: "" })
      assert.include(ended.stdout, `The website ${websiteConfigId} is deleted`)
      assert.deepInclude(yield* run(command, services), {
        code: 1,
        stderr: 'No website has the name "Gone". `hydracore site list` shows them.\n'
      })
    })
  )

  it.effect("an origin is a scheme, a host and an optional port", () =>
    Effect.gen(function* () {
      const { refusal } = yield* session
      for (const origin of [
        "example.com",
        "ftp://example.com",
        "https://example.com/path",
        "https://example.com//",
        "https://example.com?",
        "https://example.com/#a",
        "https://user@example.com",
        "https://*.example.com",
        "https://exa mple.com",
        "https://example.com:99999",
        "https:example.com",
        "https://example.com\\",
        "null",
        "*",
        "https://",
        ""
      ]) {
        assert.match(
          yield* refusal("site", "create", "--name", "a", "--origin", origin),
          /^The flag --origin must be an origin/,
          origin
        )
      }
      const many = Array.from({ length: 101 }, (_, index) => ["--origin", `https://a${index}.example`]).flat()
      assert.match(yield* refusal("site", "create", "--name", "a", ...many), /at most 100 times/)
    })
  )
})

/** `webhook` and `delivery`, on PostgreSQL and with a real receiver. */
import { randomBytes } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, ConfigProvider, Effect, Layer, Logger, Option, Redacted } from "effect"
import { Webhook as StandardWebhook } from "standardwebhooks"
import * as App from "../../../src/App.ts"
import { Settings } from "../../../src/Config.ts"
import * as Dispatcher from "../../../src/delivery/Dispatcher.ts"
import * as Event from "../../../src/delivery/Event.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import { SubmissionId } from "../../../src/platform/Id.ts"
import * as OutwardClient from "../../../src/platform/outward/OutwardClient.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { fanOutAll, fanOutSome } from "../../support/Delivery.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { receiver } from "../../support/Receiver.ts"
import * as SubmissionDraft from "../../support/SubmissionDraft.ts"
import { run } from "../../support/TestCli.ts"
import { remove } from "../../support/TestSubmissions.ts"
import { poll } from "../../support/Wait.ts"

const key = Option.some(Redacted.make<Uint8Array>(randomBytes(32)))

/** Runs commands on a database, with these settings in the environment. */
const commands = (env: Readonly<Record<string, string>>, secretsKey = key) =>
  Effect.gen(function* () {
    const provider = Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
    const settings = { ...(yield* Effect.provide(Settings, provider)), secretsKey }
    const layers = Layer.succeedContext(yield* Layer.build(App.storage(settings)))
    const cli = (...args: ReadonlyArray<string>) =>
      run(args, layers, { webhookAllow: settings.webhookAllow }).pipe(Effect.provide(provider))
    const { websiteConfigId } = yield* SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] })).pipe(
      Effect.provide(layers)
    )
    return { cli, layers, site: websiteConfigId }
  })

describe("cli/commands/Webhook", () => {
  it.live("a webhook is created, tested, changed, rotated and deleted", () =>
    Effect.gen(function* () {
      let status = 200
      const { port, received, url } = yield* receiver((_, response) => response.writeHead(status).end("\u001b[2Jok"))
      const { cli, layers, site } = yield* commands({ WEBHOOK_ALLOW: `127.0.0.1:${port}` })
      const created = yield* cli("webhook", "create", "--site", site, "--url", url, "--json")
      assert.deepStrictEqual([created.code, created.stderr], [0, ""])
      const { secret, webhook_id: id } = JSON.parse(created.stdout)

      const tested = yield* cli("webhook", "test", "--webhook-id", id)
      assert.strictEqual(tested.code, 0)
      assert.notInclude(tested.stdout, "\u001b")
      assert.match(tested.stdout, /^answer .*ok$/m)
      const [first] = received
      assert.doesNotThrow(() =>
        new StandardWebhook(secret).verify(first?.body ?? "", { ...first?.headers } as Record<string, string>)
      )
      assert.deepStrictEqual(JSON.parse(first?.body ?? "").website, { website_config_id: site, name: "test" })
      status = 500
      const failed = yield* cli("webhook", "test", "--webhook-id", id)
      assert.strictEqual(failed.code, 1)
      assert.include(failed.stderr, "The event was not delivered: the receiver answered 500")

      const receivedAt = yield* Clock.currentTimeMillis
      const submissionId = SubmissionId.make("00000000-0000-4000-8000-000000000001")
      yield* SubmissionRepo.use((repo) =>
        repo.submit({
          submissionId,
          websiteConfigId: site,
          receivedAt,
          email: null,
          pageSlug: null,
          formData: "{}",
          status: "accepted",
          reasons: [],
          visitorHashes: [],
          idempotency: null
        })
      ).pipe(Effect.provide(layers))
      yield* fanOutSome.pipe(Effect.provide(layers))
      const { deliveries: listed } = JSON.parse((yield* cli("delivery", "list", "--webhook-id", id, "--json")).stdout)
      assert.deepStrictEqual(
        listed.map(({ status, type }: { status: string; type: string }) => [type, status]),
        [["submission.accepted", "pending"]]
      )
      const eventId: string = listed[0].event_id
      const disabled = yield* cli(
        "webhook",
        "update",
        "--webhook-id",
        id,
        "--disable",
        "--event",
        "submission.deleted",
        "--json"
      )
      assert.deepInclude(JSON.parse(disabled.stdout), { events: ["submission.deleted"] })
      const flags = ["--webhook-id", id, "--event-id", eventId]
      assert.include((yield* cli("delivery", "show", ...flags)).stdout, "pending")
      assert.strictEqual((yield* cli("delivery", "retry", ...flags)).code, 0)
      assert.strictEqual(JSON.parse((yield* cli("delivery", "show", ...flags, "--json")).stdout).status, "pending")

      yield* remove(site, submissionId).pipe(Effect.provide(layers))
      const emptied = yield* cli("delivery", "retry", ...flags)
      assert.strictEqual(emptied.code, 1)
      assert.include(emptied.stderr, "what its event contained was deleted")

      const rotated = JSON.parse((yield* cli("webhook", "rotate", "--webhook-id", id, "--json")).stdout)
      assert.notStrictEqual(rotated.secret, secret)
      const ofName = yield* cli("webhook", "list", "--site", "test")
      assert.notInclude(ofName.stdout, "whsec_")
      assert.include(ofName.stdout, url)
      assert.strictEqual((yield* cli("webhook", "delete", "--webhook-id", id)).code, 0)
      assert.strictEqual((yield* cli("webhook", "delete", "--webhook-id", id)).code, 1)
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )

  it.live("a receiver that was down for days gets all events once, after a replay", () =>
    Effect.gen(function* () {
      let isDown = true
      const { port, received, url } = yield* receiver((_, response) => response.writeHead(isDown ? 503 : 204).end())
      const { cli, layers, site } = yield* commands({ WEBHOOK_ALLOW: `127.0.0.1:${port}` })
      const created = yield* cli("webhook", "create", "--site", site, "--url", url, "--json")
      const { webhook_id: webhookId } = JSON.parse(created.stdout)
      const id = ["--webhook-id", webhookId]
      const sql = yield* PgClient.PgClient
      const count = 230
      yield* Effect.gen(function* () {
        const repo = yield* SubmissionRepo
        yield* Effect.forEach(Array.from({ length: count }), () => repo.submit(SubmissionDraft.make(site)), {
          concurrency: "unbounded"
        })
        yield* fanOutAll
      }).pipe(Effect.provide(layers))
      // Three days pass: the events are that old, the attempts of most deliveries were given up, and some wait for the last one.
      yield* sql`UPDATE delivery SET created_at = created_at - interval '3 days', attempts = 9,
        next_attempt_at = now() + interval '20 hours'`
      yield* sql`UPDATE delivery SET status = 'failed', attempts = 10, next_attempt_at = NULL
        WHERE event_id NOT IN (SELECT event_id FROM delivery ORDER BY event_id LIMIT 10)`
      yield* sql`UPDATE webhook SET failing_since = now() - interval '3 days'`

      const listed: Array<string> = []
      const page = (...more: ReadonlyArray<string>) =>
        Effect.map(
          cli("delivery", "list", ...id, ...more, "--json"),
          ({ stdout }): ReadonlyArray<string> =>
            JSON.parse(stdout).deliveries.map(({ event_id }: { event_id: string }) => event_id)
        )
      for (let items = yield* page(); items.length > 0; items = yield* page("--after", items.at(-1) ?? "")) {
        listed.push(...items)
      }
      assert.lengthOf(new Set(listed), count)
      assert.include((yield* cli("delivery", "list", ...id)).stdout, `Add --after ${listed[99]} for the next ones.`)

      const client = OutwardClient.layer({ allowed: [{ host: "127.0.0.1", port }] })
      yield* Layer.build(Dispatcher.layer.pipe(Layer.provide([client, layers])))
      isDown = false
      assert.include(
        (yield* cli("delivery", "replay", ...id, "--since", "2d")).stdout,
        "being attempted now are left out"
      )
      const failed = yield* cli("delivery", "replay", ...id, "--since", "4d", "--status", "failed")
      assert.include(failed.stdout, "220 deliveries are sent again")
      const waiting = yield* cli("delivery", "replay", ...id, "--since", "4d", "--status", "pending", "--json")
      assert.deepStrictEqual(JSON.parse(waiting.stdout), { deliveries: 10 })
      const statuses = sql`SELECT count(*)::int AS count FROM delivery WHERE status = 'delivered'`
      yield* poll(statuses, ([row]) => row?.["count"] === count)
      assert.lengthOf(received, count)
      assert.sameMembers(
        received.map(({ headers }) => String(headers["webhook-id"])),
        listed
      )
      assert.include((yield* cli("webhook", "list", "--site", site)).stdout, "enabled")
      assert.include(
        (yield* cli("delivery", "replay", ...id, "--since", "4d", "--status", "failed")).stdout,
        "There are no such deliveries."
      )
      const wrong = yield* cli("delivery", "replay", ...id, "--since", "yesterday")
      assert.include(wrong.stderr, "--since must be a time")
      const unknown = yield* cli("delivery", "list", ...id, "--after", webhookId)
      assert.deepStrictEqual(
        [unknown.code, unknown.stderr.trim()],
        [1, `There is no delivery ${webhookId}; \`hydracore delivery list --webhook-id <webhook_id>\` lists them.`]
      )
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )

  it.live("the test of a webhook whose host is not found ends with one line, and logs only with --log-level", () =>
    Effect.gen(function* () {
      const { cli, site } = yield* commands({})
      const url = "https://hooks.invalid/"
      const created = yield* cli("webhook", "create", "--site", site, "--url", url, "--json")
      const logged: Array<unknown> = []
      const test = (...flags: ReadonlyArray<string>) =>
        cli("webhook", "test", "--webhook-id", JSON.parse(created.stdout).webhook_id, ...flags).pipe(
          Effect.provide(Logger.layer([Logger.make<unknown, void>(({ message }) => logged.push(message))]))
        )
      const { code, stderr } = yield* test()
      assert.strictEqual(code, 1)
      assert.match(stderr, /^[^\n]*hooks\.invalid was not found on the public internet[^\n]*\n$/)
      assert.include(stderr, "This command sent the test itself: set WEBHOOK_ALLOW for it, and for the service.\n")
      assert.deepStrictEqual(logged, [])
      yield* test("--log-level", "warn")
      assert.deepStrictEqual(logged.flat(), ["A host that an owner named was not found on the public internet"])
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )

  it.live("a webhook that could never work is refused, with the next step", () =>
    Effect.gen(function* () {
      const { cli, site } = yield* commands({})
      const create = (url: string) => cli("webhook", "create", "--site", site, "--url", url)
      for (const url of ["http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://[::ffff:10.0.0.1]/"]) {
        const { code, stderr } = yield* create(url)
        assert.strictEqual(code, 1, url)
        assert.include(stderr, "was not found on the public internet", url)
      }
      const { stderr } = yield* create("https://hooks.example:8443/")
      assert.include(stderr, "port 8443 is not allowed")
      const [, allow = ""] = stderr.match(/WEBHOOK_ALLOW=(\S+)/) ?? []
      const allowed = yield* commands({ WEBHOOK_ALLOW: allow })
      const { code, stdout } = yield* allowed.cli(
        "webhook",
        "create",
        "--site",
        allowed.site,
        "--url",
        "https://hooks.example:8443/"
      )
      assert.strictEqual(code, 0)
      assert.include(stdout, "only if its own WEBHOOK_ALLOW has hooks.example:8443")
      assert.include((yield* create("ftp://hooks.example/")).stderr, "--url must be")
      assert.include((yield* create("https://user:pass@hooks.example/")).stderr, "--url must be")
      const event = yield* cli(
        ...["webhook", "create", "--site", site, "--url", "https://hooks.example/", "--event", "submission.created"]
      )
      const choices = Event.types.map((type) => `"${type}"`).join(" or ")
      assert.include(event.stderr, `The flag --event takes ${choices}; see`)
      const keyless = yield* commands({}, Option.none())
      const missing = yield* keyless.cli("webhook", "create", "--site", keyless.site, "--url", "https://hooks.example/")
      assert.strictEqual(missing.code, 1)
      assert.include(missing.stderr, "SECRETS_KEY is not set")
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )
})

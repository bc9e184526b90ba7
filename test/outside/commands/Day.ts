/**
 * A user's day: every command, in an order in which each has something to do. `Commands.test.ts` runs it as processes for what they
 * print with `--json`; `test/cli/Texts.test.ts` runs the same day in its process for what they print to people.
 *
 * Imports nothing of `src`.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { receiver } from "../../support/Receiver.ts"
import { poll } from "../../support/Wait.ts"
import * as Agent from "../Agent.ts"
import * as Command from "../Command.ts"
import { call, layerWith, Service } from "../owner/Service.ts"
import { commandNames, type Form, type Run, Transcript } from "./Transcript.ts"

/** Commands that run until they are stopped. `test/outside/Walk.test.ts` starts the demo. */
const endless = new Set(["demo"])

/** The default is too short to open a connection on a busy machine: that may take five seconds for each attempt. */
const DATABASE_TIMEOUT = "1 minute"

type Row = Readonly<Record<string, string>>

/** What an operator sets up, without a running service. */
const setUp = Effect.fnUntraced(function* (transcript: Transcript, rules: string) {
  const env = {
    DATABASE_URL: yield* TestDatabase.url,
    SECRETS_KEY: randomBytes(32).toString("hex"),
    PUBLIC_URL: "https://edge.example",
    DATABASE_TIMEOUT
  }
  const { document, json, plain, read, record, text } = transcript.in(env)
  yield* record("migrate")
  yield* record("site", "list")
  yield* record("site", "create", "--name", "Shop", "--time-zone", "Europe/Oslo", "--origin", "https://shop.example")
  yield* document("site", "create", "--name", "Blog")
  const { sites } = yield* read<{ readonly sites: ReadonlyArray<Row> }>("site", "list")
  const [shop, blog] = sites.map(({ site_id }) => `${site_id}`)
  assert.isDefined(shop)
  assert.isDefined(blog)
  yield* text("site", "update", "--site", shop, "--name", "A shop")
  yield* document("site", "update", "--site", shop, "--name", "The shop", "--any-origin", "--time-zone", "UTC")

  yield* record("site", "list", "--morning")

  yield* text("goal", "create", "--site", shop, "--event", "signup")
  const { goal_id } = yield* document("goal", "create", "--site", shop, "--page", "/thanks*", "--name", "Thanks")
  yield* record("goal", "list", "--site", shop)
  yield* json("goal", "delete", "--goal", `${goal_id}`)

  const form = ["--site", shop, "--page", "contact"]
  yield* text("form", "create", "--site", shop, "--page", "order", "--rules", rules)
  yield* document("form", "create", ...form, "--rules", rules)
  yield* text("form", "update", ...form, "--rules", rules)
  yield* json("form", "update", ...form, "--rules", rules)
  yield* record("form", "list", "--site", shop)
  yield* record("form", "show", ...form)
  yield* json("form", "delete", ...form)

  yield* text("share", "create", "--site", shop, "--label", "Partner", "--expires", "90d")
  const { share_id } = yield* document(...["share", "create", "--site", shop, "--label", "Agency", "--expires", "90d"])
  yield* record("share", "list", "--site", shop)
  yield* json("share", "revoke", "--share-id", `${share_id}`)

  yield* record("health", "--site", shop)
  yield* record("report", "rebuild")
  yield* plain("analytics", "copy")
  yield* text("site", "delete", "--site", blog, "--name", "Blog")
  yield* json("site", "delete", "--site", shop, "--name", "The shop", "--with-instances")
  return env
}, Effect.scoped)

/** Who and what may reach a service: keys, sessions, instances and their tokens. */
const permit = Effect.fnUntraced(function* (transcript: Transcript) {
  const agent = yield* Agent.start()
  const env = {
    DATABASE_URL: yield* TestDatabase.url,
    SECRETS_KEY: randomBytes(32).toString("hex"),
    PUBLIC_URL: "https://edge.example",
    DATABASE_TIMEOUT
  }
  const { document, json, prepare, record, text } = transcript.in(env)
  const { site_id: site = "" } = yield* prepare("site", "create", "--name", "Shop")

  yield* text("key", "issue", "--all-sites", "--scope", "read", "--label", "Reports", "--expires", "90d")
  const { key_id } = yield* document(
    ...["key", "issue", "--site", site, "--scope", "write", "--label", "Shop", "--expires", "90d"]
  )
  yield* record("key", "list")
  yield* json("key", "revoke", "--key-id", `${key_id}`, "--with-opened")

  yield* text("console", "link", "--role", "owner", "--label", "Ada")
  const { session_id } = yield* document(
    ...["console", "link", "--site", site, "--role", "viewer", "--label", "Bob", "--expires", "2h"]
  )
  yield* record("console", "sessions")
  yield* json("console", "revoke", "--session-id", `${session_id}`)

  yield* text("instance", "create", "--name", "Support", "--agent-url", agent.url, "--site", site)
  const { instance_id: instance = "" } = yield* document(
    ...["instance", "create", "--name", "Sales", "--agent-url", "http://127.0.0.1:9", "--no-check"],
    ...["--origin", "https://shop.example", "--agent-model", "small", "--instructions", "Be brief.", "--site", site]
  )
  yield* record("instance", "list")
  yield* text("instance", "update", "--instance", instance, "--name", "Sales of the shop", "--site", site)
  yield* json("instance", "update", "--instance", instance, "--any-origin", "--no-agent-model", "--no-check")

  yield* text("token", "issue", "--instance", instance, "--label", "Shop", "--expires", "90d")
  const { token_id } = yield* document(
    ...["token", "issue", "--instance", instance, "--label", "Blog", "--expires", "90d"]
  )
  yield* record("token", "list", "--instance", instance)
  yield* record("site", "snippet", "--site", site, "--instance", instance)
  yield* json("token", "revoke", "--token-id", `${token_id}`)
  yield* json("instance", "delete", "--instance", instance)
}, Effect.scoped)

/** What visitors leave in a running service, and what is sent about it. */
const operate = Effect.fnUntraced(function* (transcript: Transcript, hooks: string) {
  const { env, sql, url } = yield* Service
  const agent = yield* Agent.start()
  const { document, json, plain, prepare, read, record, text } = transcript.in(env)
  yield* record("serve", "--check")
  const site = yield* prepare("site", "create", "--name", "Shop")
  const websiteConfigId = `${site["site_id"]}`
  const ofSite = ["--site", websiteConfigId]
  const { instance_id: instance = "" } = yield* prepare(
    ...["instance", "create", "--name", "Support", "--agent-url", agent.url, "--no-check", ...ofSite]
  )
  const { token = "" } = yield* prepare("token", "issue", "--instance", instance)

  yield* record("webhook", "create", ...ofSite, "--url", `${hooks}/one`)
  const { webhook_id: webhook = "" } = yield* document(
    "webhook",
    "create",
    ...ofSite,
    "--url",
    `${hooks}/two`,
    "--event",
    "submission.accepted"
  )
  yield* record("webhook", "list", ...ofSite)
  yield* record("notify", "add", ...ofSite, "--to", "ada@example.com")
  const { notification_id: notification = "" } = yield* document(
    "notify",
    "add",
    ...ofSite,
    "--to",
    "bob@example.com",
    "--report",
    "weekly"
  )

  const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    Effect.promise(async () => {
      const response = await fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "Mozilla/5.0 Firefox/140.0", ...headers },
        body: JSON.stringify(body)
      })
      const text = await response.text()
      assert.isBelow(response.status, 300, text)
      return text
    })
  yield* post("/v1/public/analytics/track", { site_id: site["tracking_token"], page_path: "/prices" })
  yield* post("/v1/public/analytics/event", { site_id: site["tracking_token"], name: "signup", page_path: "/prices" })
  // The duration of the visit would be the time between the two requests.
  yield* sql`UPDATE event SET received_at = (SELECT received_at FROM page_view)`
  const submit = (email: string) =>
    Effect.map(
      post("/v1/public/forms/submit", { site_id: websiteConfigId, email, form_data: { message: `Of ${email}` } }),
      (text) => `${JSON.parse(text)["submission_id"]}`
    )
  const submissions = [
    yield* submit("ann@example.com"),
    yield* submit("eve@example.com"),
    yield* submit("kim@example.com")
  ]
  const chat = Effect.map(
    post(`/v1/public/widget/${instance}/chat`, { message: "hello" }, { "x-widget-token": token }),
    (text) => /"conversation_id":"([^"]+)"/.exec(text)?.[1] ?? ""
  )
  const conversation = yield* chat

  const ofInstance = ["--instance", instance]
  yield* record("conversation", "list", ...ofInstance)
  yield* record("conversation", "show", ...ofInstance, "--conversation", conversation)
  yield* plain("conversation", "export", ...ofInstance)
  yield* json("conversation", "delete", ...ofInstance, "--conversation", conversation)

  const ofWebhook = ["--webhook-id", webhook]
  // Asks the database, because each command that is polled costs half a second of processor time.
  const delivered = poll(
    sql`SELECT 1 FROM delivery WHERE subscriber_id = ${webhook}::uuid AND status = 'delivered'`,
    (rows) => rows.length === submissions.length
  )
  yield* delivered
  const { deliveries } = yield* read<{ readonly deliveries: ReadonlyArray<Row> }>("delivery", "list", ...ofWebhook)
  const event = ["--event-id", `${deliveries[0]?.["event_id"]}`]
  yield* record("delivery", "show", ...ofWebhook, ...event)
  yield* json("delivery", "retry", ...ofWebhook, ...event)
  yield* delivered
  yield* text("delivery", "replay", ...ofWebhook, "--since", "2026-01-01")
  yield* delivered
  yield* json("delivery", "replay", ...ofWebhook, "--since", "2026-01-01")

  yield* text("webhook", "test", ...ofWebhook)
  yield* json("webhook", "test", ...ofWebhook)
  yield* text("webhook", "update", ...ofWebhook, "--all-events")
  yield* document("webhook", "update", ...ofWebhook, "--disable")
  yield* text("webhook", "rotate", ...ofWebhook)
  yield* json("webhook", "rotate", ...ofWebhook)
  yield* document("webhook", "delete", ...ofWebhook)

  yield* poll(sql`SELECT 1 FROM mail WHERE status = 'sent'`, (rows) => rows.length >= 1)
  const { notifications } = yield* read<{ readonly notifications: ReadonlyArray<Row> }>("notify", "list", ...ofSite)
  const first = `${notifications.find((each) => each["notification_id"] !== notification)?.["notification_id"]}`
  yield* text("notify", "resend", "--notification-id", notification)
  // A recipient that the command line adds is confirmed. One that the owner API adds just got the confirmation mail.
  const { json: pending } = yield* call("POST", `/v1/owner/sites/${websiteConfigId}/notifications`, {
    to: "kim@example.org"
  })
  yield* plain("notify", "resend", "--notification-id", `${pending["notification_id"]}`, "--json")
  yield* text("notify", "test", "--notification-id", notification)
  yield* json("notify", "test", "--notification-id", first)
  yield* document("notify", "remove", "--notification-id", first)

  const reply = ["--subject", "Thank you", "--text", "Hello {name}, we answer soon.", "--reply-to", "ada@example.com"]
  yield* record("form", "reply", "set", ...ofSite, "--page", "jobs", ...reply)
  yield* record("form", "reply", "list", ...ofSite)
  yield* json("form", "reply", "delete", ...ofSite, "--page", "jobs")

  yield* record("submissions", "list", ...ofSite)
  yield* record("submissions", "export", ...ofSite)
  yield* plain("submissions", "export", ...ofSite, "--format", "csv")
  yield* document("submissions", "release", "--submission-id", `${submissions[0]}`)
  yield* document("spam", "mark", "--submission-id", `${submissions[1]}`)
  yield* record("spam", "list", ...ofSite)
  const [mark] = yield* sql`SELECT mark_id FROM spam_mark`
  yield* document("spam", "remove", ...ofSite, "--mark-id", `${mark?.["mark_id"]}`)
  yield* text("submissions", "delete", "--submission-id", `${submissions[0]}`)
  yield* document("submissions", "restore", "--submission-id", `${submissions[0]}`)
  yield* text("submissions", "delete", "--submission-id", `${submissions[0]}`, "--permanently")
  // Each event that is sent to the operator's webhook counts as a delivery of the person.
  yield* poll(sql`SELECT 1 FROM outbox UNION ALL SELECT 1 FROM submission_outbox`, (rows) => rows.length === 0)
  yield* document("submissions", "delete", ...ofSite, "--email", "eve@example.com")

  yield* record("person", "export", "--email", "kim@example.com")
  yield* text("person", "erase", "--email", "kim@example.com")
  yield* document("person", "erase", "--email", "ann@example.com", ...ofSite)
  yield* text("person", "invite", "--email", "ada@example.org")
  yield* document("person", "invite", "--email", "kay@example.org", ...ofSite, "--role", "owner")
  yield* record("person", "list")
  yield* sql`WITH added AS (
      INSERT INTO person (person_id, email, name, created_at) VALUES (gen_random_uuid(), 'Bob@example.org', 'Bob', now())
      RETURNING person_id
    ) INSERT INTO person_role (person_id, website_config_id, role)
      SELECT person_id, website_config_id, 'member' FROM added, site`
  yield* record("person", "list", ...ofSite)
  yield* record("person", "remove", "--email", "bob@example.org", ...ofSite)
  yield* record("person", "remove", "--email", "bob@example.org", ...ofSite)

  yield* record("stats", ...ofSite, "--period", "7d")
  yield* record("stats", ...ofSite, "--period", "7d", "--by", "event:page")
  yield* record("stats", "--all-sites", "--period", "7d")
  yield* record("analytics", "export", ...ofSite)
  yield* plain("analytics", "export", ...ofSite, "--format", "csv")
  yield* record("doctor", "--ask", "none")
})

export class Day extends Context.Service<
  Day,
  {
    /** The names of all commands that end. */
    readonly names: ReadonlyArray<string>
    readonly transcript: Transcript
  }
>()("test/outside/commands/Day") {}

/** The day, whose commands `run` runs. `form` is what the transcript holds. */
export const layer = (run: Run, form: Form): Layer.Layer<Day> =>
  Layer.effect(
    Day,
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-commands-"))),
        (made) => Effect.sync(() => rmSync(made, { recursive: true }))
      )
      const rules = path.join(folder, "rules.json")
      writeFileSync(rules, JSON.stringify({ name: { required: true } }))
      const { stdout } = yield* Command.run(["--completions", "bash"], {})
      const names = commandNames(stdout).filter((name) => !endless.has(name))
      const transcript = new Transcript(names, run, form)
      const { port } = yield* receiver((_, response) => void response.writeHead(204).end())
      const hooks = `http://127.0.0.1:${port}`
      const service = layerWith({
        DATABASE_TIMEOUT,
        WEBHOOK_ALLOW: new URL(hooks).host,
        RATE_LIMIT_FORMS: "off",
        PUBLIC_URL: "https://edge.example"
      })
      yield* Effect.all(
        [setUp(transcript, rules), permit(transcript), operate(transcript, hooks).pipe(Effect.provide(service))],
        { concurrency: 3 }
      )
      return { names, transcript }
    }).pipe(Effect.orDie)
  )

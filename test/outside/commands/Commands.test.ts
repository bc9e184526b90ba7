/**
 * What every command prints in a user's day, against one golden for each command: with `--json`, and without it if that is more
 * than a sentence. `test/cli` holds the sentences and the refusals. After an intended change,
 * `npx vitest run test/outside/commands -u` rewrites the goldens.
 *
 * Imports nothing of `src`.
 */
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { expect } from "vitest"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { receiver } from "../../support/Receiver.ts"
import { poll } from "../../support/Wait.ts"
import * as Agent from "../Agent.ts"
import * as Command from "../Command.ts"
import { call, layerWith, Service } from "../owner/Service.ts"
import { commandNames, Transcript } from "./Transcript.ts"

/** Commands that run until they are stopped. `test/outside/Walk.test.ts` starts the demo. */
const endless = new Set(["demo"])

type Row = Readonly<Record<string, string>>

/** What an operator sets up, without a running service. */
const setUp = Effect.fnUntraced(function* (transcript: Transcript, rules: string) {
  const env = {
    DATABASE_URL: yield* TestDatabase.url,
    SECRETS_KEY: randomBytes(32).toString("hex"),
    PUBLIC_URL: "https://edge.example"
  }
  const { both, json, run } = transcript.in(env)
  yield* both("migrate")
  yield* both("site", "list")
  yield* run("site", "create", "--name", "Shop", "--time-zone", "Europe/Oslo", "--origin", "https://shop.example")
  yield* json("site", "create", "--name", "Blog")
  const [shop, blog] = (yield* both<ReadonlyArray<Row>>("site", "list")).map(
    ({ website_config_id }) => `${website_config_id}`
  )
  assert.isDefined(shop)
  assert.isDefined(blog)
  yield* run("site", "update", "--site", shop, "--name", "The shop")
  yield* json("site", "update", "--site", shop, "--any-origin", "--time-zone", "UTC")

  yield* run("goal", "create", "--site", shop, "--event", "signup")
  const { goal_id } = yield* json("goal", "create", "--site", shop, "--page", "/thanks*", "--name", "Thanks")
  yield* both("goal", "list", "--site", shop)
  yield* json("goal", "delete", "--goal", `${goal_id}`)

  const form = ["--site", shop, "--page", "contact"]
  yield* run("form", "create", ...form, "--rules", rules)
  yield* json("form", "create", "--site", shop, "--page", "order", "--rules", rules)
  yield* run("form", "update", ...form, "--rules", rules)
  yield* json("form", "update", ...form, "--rules", rules)
  yield* both("form", "list", "--site", shop)
  yield* both("form", "show", ...form)
  yield* json("form", "delete", ...form)

  yield* run("share", "create", "--site", shop, "--label", "Partner", "--expires", "90d")
  const { share_id } = yield* json("share", "create", "--site", shop)
  yield* both("share", "list", "--site", shop)
  yield* json("share", "revoke", "--share-id", `${share_id}`)

  yield* both("report", "rebuild")
  yield* run("analytics", "copy")
  yield* run("site", "delete", "--site", blog, "--name", "Blog")
  yield* json("site", "delete", "--site", shop, "--name", "The shop", "--with-instances")
  return env
}, Effect.scoped)

/** Who and what may reach a service: keys, sessions, instances and their tokens. */
const permit = Effect.fnUntraced(function* (transcript: Transcript) {
  const agent = yield* Agent.start()
  const env = {
    DATABASE_URL: yield* TestDatabase.url,
    SECRETS_KEY: randomBytes(32).toString("hex"),
    PUBLIC_URL: "https://edge.example"
  }
  const { both, json, run } = transcript.in(env)
  const { website_config_id: site = "" } = yield* Command.json(["site", "create", "--name", "Shop"], env)

  yield* run("key", "issue", "--all-sites", "--scope", "read", "--label", "Reports", "--expires", "90d")
  const { key_id } = yield* json("key", "issue", "--site", site, "--scope", "write")
  yield* both("key", "list")
  yield* json("key", "revoke", "--key-id", `${key_id}`, "--with-opened")

  yield* run("console", "link", "--role", "owner", "--label", "Ada")
  const { session_id } = yield* json("console", "link", "--site", site, "--role", "viewer", "--expires", "2h")
  yield* both("console", "sessions")
  yield* json("console", "revoke", "--session-id", `${session_id}`)

  yield* run("instance", "create", "--name", "Support", "--agent-url", agent.url, "--site", site)
  const { instance_id: instance = "" } = yield* json(
    ...["instance", "create", "--name", "Sales", "--agent-url", "http://127.0.0.1:9", "--no-check"],
    ...["--origin", "https://shop.example", "--agent-model", "small", "--instructions", "Be brief."]
  )
  yield* both("instance", "list")
  yield* run("instance", "update", "--instance", instance, "--name", "Sales of the shop", "--site", site)
  yield* json("instance", "update", "--instance", instance, "--any-origin", "--no-agent-model", "--no-check")

  yield* run("token", "issue", "--instance", instance, "--label", "Shop", "--expires", "90d")
  const { token_id } = yield* json("token", "issue", "--instance", instance)
  yield* both("token", "list", "--instance", instance)
  yield* both("site", "snippet", "--site", site, "--instance", instance)
  yield* json("token", "revoke", "--token-id", `${token_id}`)
  yield* json("instance", "delete", "--instance", instance)
}, Effect.scoped)

/** What visitors leave in a running service, and what is sent about it. */
const operate = Effect.fnUntraced(function* (transcript: Transcript, hooks: string) {
  const { env, sql, url } = yield* Service
  const agent = yield* Agent.start()
  const { both, json, run } = transcript.in(env)
  const command = (...args: ReadonlyArray<string>) => Command.json(args, env)
  yield* both("serve", "--check")
  const site = yield* command("site", "create", "--name", "Shop")
  const websiteConfigId = `${site["website_config_id"]}`
  const ofSite = ["--site", websiteConfigId]
  const { instance_id: instance = "" } = yield* command(
    ...["instance", "create", "--name", "Support", "--agent-url", agent.url, "--no-check", ...ofSite]
  )
  const { token = "" } = yield* command("token", "issue", "--instance", instance)

  yield* run("webhook", "create", ...ofSite, "--url", `${hooks}/one`)
  const { webhook_id: webhook = "" } = yield* json(
    "webhook",
    "create",
    ...ofSite,
    "--url",
    `${hooks}/two`,
    "--event",
    "submission.accepted"
  )
  const webhooks = yield* both<ReadonlyArray<Row>>("webhook", "list", ...ofSite)
  const firstWebhook = `${webhooks.find((each) => each["webhook_id"] !== webhook)?.["webhook_id"]}`
  yield* run("notify", "add", ...ofSite, "--to", "ada@example.com")
  const { notification_id: notification = "" } = yield* json(
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
  yield* both("conversation", "list", ...ofInstance)
  yield* both("conversation", "show", ...ofInstance, "--conversation", conversation)
  yield* run("conversation", "export", ...ofInstance)
  yield* json("conversation", "delete", ...ofInstance, "--conversation", conversation)

  const ofWebhook = ["--webhook-id", webhook]
  // Asks the database, because each command that is polled costs half a second of processor time.
  const delivered = poll(
    sql`SELECT 1 FROM delivery WHERE subscriber_id = ${webhook}::uuid AND status = 'delivered'`,
    (rows) => rows.length === submissions.length
  )
  yield* delivered
  const deliveries = yield* both<ReadonlyArray<Row>>("delivery", "list", ...ofWebhook)
  const event = ["--event-id", `${deliveries[0]?.["event_id"]}`]
  yield* both("delivery", "show", ...ofWebhook, ...event)
  yield* json("delivery", "retry", ...ofWebhook, ...event)
  yield* delivered
  yield* run("delivery", "replay", ...ofWebhook, "--since", "2026-01-01")
  yield* delivered
  yield* json("delivery", "replay", ...ofWebhook, "--since", "2026-01-01")

  yield* run("webhook", "update", ...ofWebhook, "--all-events")
  yield* json("webhook", "update", ...ofWebhook, "--disable")
  yield* run("webhook", "test", "--webhook-id", firstWebhook)
  yield* json("webhook", "test", "--webhook-id", firstWebhook)
  yield* run("webhook", "rotate", ...ofWebhook)
  yield* json("webhook", "rotate", ...ofWebhook)
  yield* json("webhook", "delete", ...ofWebhook)

  yield* poll(sql`SELECT 1 FROM mail WHERE status = 'sent'`, (rows) => rows.length >= 1)
  const notifications = yield* both<ReadonlyArray<Row>>("notify", "list", ...ofSite)
  const first = `${notifications.find((each) => each["notification_id"] !== notification)?.["notification_id"]}`
  yield* run("notify", "resend", "--notification-id", notification)
  // A recipient that the command line adds is confirmed. One that the owner API adds just got the confirmation mail.
  const { json: pending } = yield* call("POST", `/v1/owner/sites/${websiteConfigId}/notifications`, {
    to: "kim@example.org"
  })
  yield* run("notify", "resend", "--notification-id", `${pending["notification_id"]}`, "--json")
  yield* run("notify", "test", "--notification-id", notification)
  yield* json("notify", "test", "--notification-id", first)
  yield* json("notify", "remove", "--notification-id", first)

  yield* both("submissions", "export", ...ofSite)
  yield* run("submissions", "export", ...ofSite, "--format", "csv")
  yield* json("submissions", "release", "--submission-id", `${submissions[0]}`)
  yield* run("submissions", "delete", "--submission-id", `${submissions[0]}`)
  yield* json("submissions", "delete", ...ofSite, "--email", "eve@example.com")

  yield* both("person", "export", "--email", "kim@example.com")
  yield* run("person", "erase", "--email", "kim@example.com")
  yield* json("person", "erase", "--email", "ann@example.com", ...ofSite)
  yield* run("person", "invite", "--email", "ada@example.org")
  yield* json("person", "invite", "--email", "kay@example.org", ...ofSite, "--role", "owner")

  yield* both("stats", ...ofSite, "--period", "7d")
  yield* both("stats", ...ofSite, "--period", "7d", "--by", "event:page")
  yield* both("stats", "--all-sites", "--period", "7d")
  yield* both("analytics", "export", ...ofSite)
  yield* run("analytics", "export", ...ofSite, "--format", "csv")
  yield* both("doctor", "--ask", "none")
})

class Day extends Context.Service<
  Day,
  {
    /** The names of all commands that end. */
    readonly names: ReadonlyArray<string>
    readonly transcript: Transcript
  }
>()("test/outside/commands/Day") {}

const day = Layer.effect(
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
    const transcript = new Transcript(names)
    const { port } = yield* receiver((_, response) => void response.writeHead(204).end())
    const hooks = `http://127.0.0.1:${port}`
    const service = layerWith({
      WEBHOOK_ALLOW: new URL(hooks).host,
      RATE_LIMIT_FORMS: "off",
      PUBLIC_URL: "https://edge.example"
    })
    yield* Effect.all(
      [setUp(transcript, rules), permit(transcript), operate(transcript, hooks).pipe(Effect.provide(service))],
      { concurrency: 3 }
    )
    return { names, transcript }
  })
)

layer(day, { excludeTestServices: true, timeout: "5 minutes" })("commands", (it) => {
  it.effect("every command has a case", () =>
    Effect.gen(function* () {
      const { names, transcript } = yield* Day
      assert.isAtLeast(names.length, 50)
      assert.sameMembers(
        transcript.texts.map(([command]) => command),
        [...names]
      )
    })
  )

  it.effect("every command prints what its golden says", () =>
    Effect.gen(function* () {
      const { transcript } = yield* Day
      yield* Effect.promise(async () => {
        for (const [command, text] of transcript.texts) {
          // Another server may have other settings than the one that the tests start.
          if (command === "doctor" && process.env["TEST_DATABASE_URL"] !== undefined) continue
          await expect.soft(text).toMatchFileSnapshot(`goldens/${command.replaceAll(" ", "-")}.txt`)
        }
      })
    })
  )
})

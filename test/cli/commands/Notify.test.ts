/** `notify`, on PostgreSQL and with a real receiver. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import * as App from "../../../src/App.ts"
import { Settings } from "../../../src/Config.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { mailReceiver, refusal } from "../../support/MailReceiver.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { run } from "../../support/TestCli.ts"

const mail = (port: number) => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  MAIL_FROM: "Edge <mail@edge.example>",
  PUBLIC_URL: "https://edge.example",
  SECRETS_KEY: "0".repeat(64)
})

/** A website, the layers of the commands, and `cli`, which runs `notify` with these settings in the environment. */
const prepare = (env: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const provider = Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
    const settings = yield* Effect.provide(Settings, provider)
    const layers = Layer.succeedContext(yield* Layer.build(App.storage(settings)))
    const cli = (...args: ReadonlyArray<string>) =>
      run(["notify", ...args], layers, { mail: App.mail(settings) }).pipe(Effect.provide(provider))
    const { websiteConfigId } = yield* SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] })).pipe(
      Effect.provide(layers)
    )
    return { cli, layers, site: websiteConfigId }
  })

const to = ["--to", "ada@example.com"]

describe("cli/commands/Notify", () => {
  it.live("a notification is added, tested, listed and removed", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const { cli, site } = yield* prepare(mail(port))
      const added = yield* cli("add", "--site", site, ...to, "--digest", "15m", "--quarantined", "--json")
      assert.deepStrictEqual([added.code, added.stderr], [0, ""])
      const { created_at: _, notification_id: id, ...facts } = JSON.parse(added.stdout)
      const topic = { report: null, page: null, digest: "15m", quarantined: true, problems: false }
      assert.deepStrictEqual(facts, { to: "ada@example.com", ...topic, conversations: "unanswered", confirmed: true })
      const tested = yield* cli("test", "--notification-id", id)
      assert.deepStrictEqual(tested, {
        code: 0,
        stdout: "The mail server accepted a mail to ada@example.com.\n",
        stderr: ""
      })
      assert.include(received[0]?.source ?? "", "Test of the notifications")
      assert.include((yield* cli("list", "--site", "test")).stdout, "submissions, digest 15m, with suspected spam")
      const [listed] = JSON.parse((yield* cli("list", "--site", site, "--json")).stdout).notifications
      assert.deepStrictEqual([listed.notification_id, listed.latest_mail], [id, null])
      assert.strictEqual((yield* cli("remove", "--notification-id", id)).code, 0)
      assert.include((yield* cli("remove", "--notification-id", id)).stderr, "There is no notification")
      assert.deepStrictEqual(JSON.parse((yield* cli("list", "--site", site, "--json")).stdout).notifications, [])
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )

  it.live("the test mail for a report is the report itself", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const { cli, site } = yield* prepare(mail(port))
      const added = yield* cli("add", "--site", site, ...to, "--report", "monthly", "--json")
      const { notification_id: id } = JSON.parse(added.stdout)
      assert.strictEqual((yield* cli("test", "--notification-id", id)).code, 0)
      assert.match(received[0]?.source ?? "", /^Subject: .*test, monthly report: 0 visitors/m)
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )

  it.live("invalid flags and unknown websites are refused, and a test mail that the server refuses is an error", () =>
    Effect.gen(function* () {
      const { port } = yield* mailReceiver({
        onRcptTo: (_, __, callback) => callback(refusal(550, "5.1.1 no such user"))
      })
      const { cli, site } = yield* prepare(mail(port))
      const invalid = [
        [["--to", "ada"], "The flag --to must be an email address"],
        [["--to", "ada@example.com\nBcc: eve@example.com"], "The flag --to must be an email address"],
        [[...to, "--digest", "hourly"], "--digest"],
        [[...to, "--report", "weekly", "--digest", "daily"], "--digest must be left out"],
        [[...to, "--report", "weekly", "--quarantined"], "--quarantined must be left out"],
        [[...to, "--report", "weekly", "--conversations", "all"], "--conversations must be left out"],
        [[...to, "--page", "contact", "--conversations", "unanswered"], "--conversations must be left out"]
      ] as const
      for (const [args, message] of invalid) {
        const ended = yield* cli("add", "--site", site, ...args)
        assert.deepStrictEqual([ended.code, ended.stdout], [1, ""])
        assert.include(ended.stderr, message)
      }
      const unknown = yield* cli("add", "--site", crypto.randomUUID(), ...to)
      assert.include(unknown.stderr, "There is no website")
      assert.deepStrictEqual(JSON.parse((yield* cli("list", "--site", site, "--json")).stdout).notifications, [])
      const { notification_id: id } = JSON.parse((yield* cli("add", "--site", site, ...to, "--json")).stdout)
      const refused = yield* cli("test", "--notification-id", id)
      assert.deepStrictEqual([refused.code, refused.stdout], [1, ""])
      assert.include(refused.stderr, "550 5.1.1 no such user")
      const printed = yield* cli("test", "--notification-id", id, "--json")
      assert.strictEqual(printed.code, 1)
      const { accepted, error } = JSON.parse(printed.stdout)
      assert.isFalse(accepted)
      assert.include(error, "550 5.1.1 no such user")
      assert.include(JSON.parse(printed.stderr).error.message, "550 5.1.1 no such user")
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )

  it.live("a confirmation mail is sent again only where one is needed, and not too soon", () =>
    Effect.gen(function* () {
      const { port } = yield* mailReceiver()
      const { cli, layers, site } = yield* prepare(mail(port))
      const notifications = yield* Notifications.pipe(Effect.provide(layers))
      const added = yield* notifications.addByOwner(site, { to: "bob@example.com", report: "weekly" })
      if (added._tag !== "Added") return assert.fail(added._tag)
      const id = added.notification.notification_id
      const tested = yield* cli("test", "--notification-id", id)
      assert.strictEqual(tested.code, 1)
      assert.include(tested.stderr, "This address is not confirmed, so it gets no test; ask the person")
      const early = yield* cli("resend", "--notification-id", id)
      assert.deepStrictEqual([early.code, early.stdout], [1, ""])
      assert.include(early.stderr, "Try again in 10 minutes.")
      yield* notifications.eraseRecipient("bob@example.com", site)
      const resent = yield* cli("resend", "--notification-id", id, "--json")
      assert.strictEqual(resent.code, 0)
      const facts = { notification_id: id, to: "bob@example.com", confirmed: false }
      assert.deepInclude(JSON.parse(resent.stdout), facts)
      const { notification_id: other } = JSON.parse((yield* cli("add", "--site", site, ...to, "--json")).stdout)
      assert.include((yield* cli("resend", "--notification-id", other)).stderr, "confirmed already")
      const unknown = yield* cli("resend", "--notification-id", crypto.randomUUID())
      assert.include(unknown.stderr, "There is no notification")
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )

  it.live("without a mail server, nothing is added and the message says what to set", () =>
    Effect.gen(function* () {
      const { cli, site } = yield* prepare({ SECRETS_KEY: "0".repeat(64) })
      const ended = yield* cli("add", "--site", site, ...to)
      assert.deepStrictEqual([ended.code, ended.stdout], [1, ""])
      assert.include(ended.stderr, "set SMTP_URL, MAIL_FROM and PUBLIC_URL")
      assert.deepStrictEqual(JSON.parse((yield* cli("list", "--site", site, "--json")).stdout).notifications, [])
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )
})

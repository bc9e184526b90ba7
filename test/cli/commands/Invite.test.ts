/** `person invite`, with a real mail server. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option } from "effect"
import PostalMime from "postal-mime"
import * as App from "../../../src/App.ts"
import { Settings } from "../../../src/Config.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import { ConsoleSessions } from "../../../src/sites/access/ConsoleSession.ts"
import { everySession } from "../../support/Lists.ts"
import { mailReceiver, refusal } from "../../support/MailReceiver.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site } from "../../support/TestStorage.ts"

const mailSettings = (port: number) => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  MAIL_FROM: "Edge <mail@edge.example>",
  PUBLIC_URL: "https://edge.example",
  SECRETS_KEY: "0".repeat(64)
})

/** Prepares a storage, and `hydracore person invite` on it with these variables. */
const setUp = (environment: Readonly<Record<string, string>>) =>
  Effect.map(Layer.build(onPostgres), (context) => {
    const invite = (...args: ReadonlyArray<string>) =>
      Effect.flatMap(Settings, (settings) =>
        run(["person", "invite", ...args], Layer.succeedContext(context), { mail: App.mail(settings) })
      ).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment)))
    const sessions = ConsoleSessions.use((service) => service.list(everySession)).pipe(Effect.provideContext(context))
    const open = (url: string) =>
      ConsoleSessions.use((service) => service.open(url.split("#/link/")[1] ?? "")).pipe(Effect.provideContext(context))
    const refuse = (address: string) =>
      Notifications.use((service) => service.refuseInvitations([site.websiteConfigId], address)).pipe(
        Effect.provideContext(context)
      )
    return { invite, sessions, open, refuse }
  })

const ann = ["--email", "ann@example.com"]
const viewer = ["--site", site.websiteConfigId]

describe("cli/commands/Person: invite", () => {
  it.live("a person gets a mail whose link opens the console with the role, once", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const { invite, open, sessions } = yield* setUp(mailSettings(port))
      const { code, stdout } = yield* invite(...ann, ...viewer, "--label", "Ann", "--json")
      assert.strictEqual(code, 0)
      const answer = JSON.parse(stdout)
      assert.deepStrictEqual([Object.keys(answer), answer.mailed], [["session_id", "mailed", "expires_at"], true])
      const { headers, html, subject, text } = yield* Effect.promise(() => PostalMime.parse(received[0]?.source ?? ""))
      assert.deepStrictEqual(received[0]?.recipients, ["ann@example.com"])
      assert.strictEqual(subject, `Invitation to the console of ${site.name}`)
      const unsubscribe = headers.find(({ key }) => key === "list-unsubscribe")?.value ?? ""
      assert.match(unsubscribe, /^<https:\/\/edge\.example\/v1\/public\/mail\/unsubscribe\/i\.[\w-]+>$/)
      const url = /https:\/\/edge\.example\/console\/#\/link\/\S+/.exec(text ?? "")?.[0] ?? ""
      assert.include(html ?? "", `href="${url}"`)
      assert.notInclude(stdout, url.split("/").at(-1) ?? "?")
      const opened = Option.getOrThrow(yield* open(url))
      assert.deepInclude(opened.session, { roles: [{ role: "viewer", sites: [site.websiteConfigId] }] })
      assert.isTrue(Option.isNone(yield* open(url)))
      assert.notInclude(JSON.stringify(yield* sessions), "ann@example.com")
    }).pipe(Effect.scoped)
  )

  it.live(
    "with --base-url the link of the mail leads there, also if this process does not know the console's address",
    () =>
      Effect.gen(function* () {
        const { port, received } = yield* mailReceiver()
        const { invite, open } = yield* setUp({ ...mailSettings(port), CONSOLE: "off" })
        const { code } = yield* invite(...ann, "--base-url", "https://console.example")
        assert.strictEqual(code, 0)
        const { text } = yield* Effect.promise(() => PostalMime.parse(received[0]?.source ?? ""))
        const url = /https:\/\/console\.example\/console\/#\/link\/\S+/.exec(text ?? "")?.[0] ?? ""
        assert.isTrue(Option.isSome(yield* open(url)))
      }).pipe(Effect.scoped)
  )

  it.live("a stranger is not invited again within ten minutes, or after unsubscribing, and no link is created", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const { invite, refuse, sessions } = yield* setUp(mailSettings(port))
      assert.strictEqual((yield* invite(...ann, ...viewer)).code, 0)
      for (const args of [viewer, []]) {
        const { code, stderr } = yield* invite(...ann, ...args)
        assert.strictEqual(code, 1)
        assert.include(stderr, "At least 10 minutes pass between two mails to an address that has not confirmed.")
        assert.include(stderr, "`hydracore console link`")
      }
      yield* refuse("ann@example.com")
      const { code, stderr } = yield* invite(...ann, ...viewer)
      assert.strictEqual(code, 1)
      assert.include(stderr, "This address unsubscribed")
      assert.lengthOf(received, 1)
      assert.lengthOf(yield* sessions, 1)
    }).pipe(Effect.scoped)
  )

  it.live("a mail that the server refuses leaves no link, and the message says why", () =>
    Effect.gen(function* () {
      const { port } = yield* mailReceiver({
        onRcptTo: (_, __, callback) => callback(refusal(550, "5.1.1 no such user"))
      })
      const { invite, sessions } = yield* setUp(mailSettings(port))
      const { code, stderr } = yield* invite(...ann, ...viewer)
      assert.strictEqual(code, 1)
      assert.match(
        stderr,
        /^The mail server did not accept the mail: .*550 5\.1\.1 no such user.*\. Check SMTP_URL and MAIL_FROM\. The link is revoked\.$/m
      )
      assert.deepStrictEqual(yield* sessions, [])
    }).pipe(Effect.scoped)
  )

  it.live("without a mail server the link is printed", () =>
    Effect.gen(function* () {
      const { invite, open } = yield* setUp({})
      const { code, stdout } = yield* invite(...ann, "--expires", "1h")
      assert.strictEqual(code, 0)
      assert.include(stdout, "SMTP_URL is not set, so no mail was sent.")
      const url = /http:\/\/127\.0\.0\.1:8080\/console\/#\/link\/\S+/.exec(stdout)?.[0] ?? ""
      assert.deepInclude(Option.getOrThrow(yield* open(url)).session, { roles: [{ role: "viewer", sites: "all" }] })
    }).pipe(Effect.scoped)
  )

  it.live(
    "a wrong address, an unknown website and an expiry that is too late are refused, and no link is created",
    () =>
      Effect.gen(function* () {
        const { invite, sessions } = yield* setUp({})
        for (const [args, message] of [
          [["--email", "ann"], "--email must be an email address"],
          [["--email", "ann@example.com\nBcc: eve@example.com"], "--email must be an email address"],
          [["--email", "ann@example.com,"], "--email must be an email address"],
          [["--email", "<ann@example.com>"], "--email must be an email address"],
          [[...ann, "--site", "11111111-2222-4333-8444-555555555555"], "There is no website"],
          [[...ann, "--expires", "8d"], "a future time within a week"]
        ] as const) {
          const { code, stderr } = yield* invite(...args)
          assert.strictEqual(code, 1)
          assert.include(stderr, message)
        }
        assert.deepStrictEqual(yield* sessions, [])
      }).pipe(Effect.scoped)
  )
})

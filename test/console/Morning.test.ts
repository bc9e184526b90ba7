/**
 * The morning of an owner of several websites, in a real browser: the person logs in with a link by mail, over a real SMTP server,
 * and answers each question in at most three clicks from the list of websites.
 */
import { assert } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Option, Redacted } from "effect"
import type { Locator, Page } from "playwright-core"
import PostalMime from "postal-mime"
import { AgentFailures } from "../../src/chat/AgentFailures.ts"
import { Mails } from "../../src/delivery/mail/Mail.ts"
import * as MailDispatcher from "../../src/delivery/mail/MailDispatcher.ts"
import type { Mailer, Sender } from "../../src/delivery/mail/Mailer.ts"
import * as SmtpMailer from "../../src/delivery/mail/Mailer.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as ConversationData from "../support/console/ConversationData.ts"
import { mailReceiver, type ReceivedMail } from "../support/MailReceiver.ts"
import * as Draft from "../support/SubmissionDraft.ts"
import { TestServer, onFewConnections as testServer } from "../support/TestServer.ts"
import { poll, until } from "../support/Wait.ts"

const mostClicks = 3

const secretsKey = Redacted.make<Uint8Array>(new Uint8Array(32))

const sender: Sender = {
  from: { name: "Edge", address: "mail@edge.example" },
  publicUrl: "https://edge.example",
  consoleUrl: "https://edge.example/console",
  secretsKey
}

/** The SMTP server: what it received, and the service's connection to it. */
class Mailbox extends Context.Service<
  Mailbox,
  { readonly received: ReadonlyArray<ReceivedMail>; readonly mailer: Mailer }
>()("hydracore/test/console/Morning/Mailbox") {}

const layer = Layer.unwrap(
  Effect.map(mailReceiver(), ({ port, received }) => {
    const mailer = SmtpMailer.makeSmtp({
      server: { host: "127.0.0.1", port, isTls: false, needsTls: false, login: null }
    })
    const server = testServer(
      { secretsKey: Option.some(secretsKey) },
      undefined,
      undefined,
      Option.some({ sender, mailer })
    )
    return Layer.merge(ConsolePage.on(server), Layer.succeed(Mailbox, { received, mailer }))
  })
)

/** The mail to an address, once it has arrived. */
const mailTo = Effect.fnUntraced(function* (address: string) {
  const { received } = yield* Mailbox
  const mails = Effect.sync(() => received.filter(({ recipients }) => recipients.includes(address)))
  const [mail] = yield* poll(mails, ({ length }) => length > 0)
  return yield* Effect.promise(() => PostalMime.parse(mail?.source ?? ""))
})

const owner = "ada@shop.example"

/** A person who owns all websites. */
const newPerson = Effect.gen(function* () {
  const sessions = yield* ConsoleSessions
  const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
  const request = { role: "owner", sites: "all", label: "Ada", email: owner, linkExpiresAt } as const
  const { link } = yield* Effect.flatMap(sessions.createLink(request), Effect.fromOption)
  yield* sessions.open(link)
}).pipe(Effect.orDie)

/** The night: a lead of the busy website, and an assistant of the other one that does not answer. */
const night = Effect.gen(function* () {
  const { busy, fresh } = yield* ConsolePage.Websites
  const receivedAt = yield* Clock.currentTimeMillis
  const lead = { email: "mia@visitor.example", formData: '{"message":"Do you have kayaks for two?"}', receivedAt }
  yield* SubmissionRepo.use((submissions) => submissions.submit(Draft.make(busy.websiteConfigId, lead)))
  const instance = yield* ConversationData.newInstance(fresh.websiteConfigId, "Guide")
  yield* ConversationData.store(instance, { question: "Please call me", answer: "", ending: "failed" })
  const failure = { _tag: "Failed", kind: "failed", reason: "it answered 401" } as const
  yield* Effect.replicateEffect(
    AgentFailures.use(({ record }) => record(instance, failure)),
    2
  )
}).pipe(Effect.orDie)

/** A person on the list of websites, who clicks, types and reads. */
interface Person {
  readonly page: Page
  readonly click: (target: Locator) => Promise<void>
}

const rowOf = (page: Page, name: string) => page.locator(".site-row").filter({ hasText: name })

/** Each question, and what a person does to answer it. Only clicks are counted, not typed text. */
const questions: ReadonlyArray<readonly [question: string, answer: (person: Person) => Promise<void>]> = [
  [
    "visitors yesterday, against the day before?",
    async ({ page }) => {
      const row = rowOf(page, "Fjordlight Kayaks")
      assert.match((await row.locator(".number").first().textContent()) ?? "", /^[1-9]\d* visitors yesterday$/)
      assert.match((await row.locator(".change").textContent()) ?? "", /% (more|less) than before|As before/)
    }
  ],
  [
    "which campaign brought leads?",
    async ({ click, page }) => {
      await click(rowOf(page, "Fjordlight Kayaks").locator("a.site"))
      await ConsolePage.loaded(page)
      await click(page.locator(".totals").getByRole("button", { name: /^Leads/ }))
      await click(page.locator(".tabs").getByRole("button", { name: "Campaigns", exact: true }))
      await ConsolePage.loaded(page)
      const campaigns = page
        .getByRole("region")
        .filter({ has: page.getByRole("button", { name: "Campaigns", exact: true, pressed: true }) })
        .locator(".rows .row")
      await campaigns.first().waitFor()
      assert.match((await campaigns.first().locator(".number").first().textContent()) ?? "", /^[1-9]/)
    }
  ],
  [
    "is anything broken?",
    async ({ click, page }) => {
      await click(rowOf(page, "New website").getByRole("link", { name: "Assistant fails" }))
      await page.getByText("“Guide” does not answer").waitFor()
    }
  ],
  [
    "is there a new lead, and a reply to it?",
    async ({ click, page }) => {
      await click(rowOf(page, "Fjordlight Kayaks").getByRole("link", { name: /new leads?$/ }))
      await page.locator(".details").getByText("Do you have kayaks for two?").waitFor()
      await click(page.getByRole("button", { name: "Reply", exact: true }))
      await page.getByLabel("Your reply to mia@visitor.example").fill("Yes, we have.")
      await click(page.getByRole("button", { name: "Send reply" }))
      await page.locator(".replies li").waitFor()
    }
  ],
  [
    "what did the assistant fail to answer?",
    async ({ click, page }) => {
      await click(rowOf(page, "New website").getByRole("link", { name: "1 unanswered" }))
      await click(page.locator(".entry a").first())
      await page.locator(".transcript").getByText("Please call me").waitFor()
    }
  ]
]

inChromium("the morning", layer, (it) => {
  it.effect(`a person logs in by mail, and each question takes at most ${mostClicks} clicks`, () =>
    Effect.gen(function* () {
      yield* newPerson
      yield* night
      const { url } = yield* TestServer
      const { errors, open, page } = yield* ConsolePage.newVisitor({ viewport: { width: 1280, height: 800 } })
      const on = <A>(use: () => Promise<A>) => Effect.promise(use)
      yield* open(`${url}/console/#/`)
      yield* on(() => page.getByLabel("Email address").fill(owner))
      yield* on(() => page.getByRole("button", { name: "Send the link" }).click())
      const { text = "" } = yield* mailTo(owner)
      const fragment = /https:\/\/edge\.example\/console\/(#\/link\/\S+)/.exec(text)?.[1]
      assert.isDefined(fragment, text)
      // The test's server does not have the address of `publicUrl`.
      yield* on(() => page.goto(`${url}/console/${fragment}`).then(() => page.reload()))
      yield* on(() => page.getByRole("button", { name: "Open the console" }).click())
      yield* on(() => page.getByRole("heading", { name: "Websites" }).waitFor())
      // Before the log-in, the page asks whether there is a session.
      const before = errors.length

      for (const [question, answer] of questions) {
        let clicks = 0
        yield* on(async () => {
          await page.goto(`${url}/console/#/`)
          await page.locator(".site-row").first().waitFor()
          await ConsolePage.loaded(page)
          await answer({
            page,
            click: async (target) => {
              clicks++
              await target.click()
            }
          })
        })
        assert.isAtMost(clicks, mostClicks, question)
      }

      const { mailer } = yield* Mailbox
      const mails = Layer.mock(Mails, { make: () => Effect.succeed(0), lease: () => Effect.succeed([]) })
      yield* Layer.build(MailDispatcher.layer({ sender, mailer }, []).pipe(Layer.provide(mails)))
      const reply = yield* mailTo("mia@visitor.example")
      assert.include(reply.text ?? "", "Yes, we have.")
      assert.deepStrictEqual(reply.replyTo, [{ name: "", address: owner }])
      // The account lists the devices; that of the invitation is logged out.
      yield* on(async () => {
        await page.getByRole("button", { name: /^Session: / }).click()
        await page.getByRole("menuitemradio", { name: "Account" }).click()
        const devices = page.getByRole("dialog").locator(".grants li")
        await devices.filter({ hasText: "This device" }).waitFor()
        assert.strictEqual(await devices.count(), 2)
        await page.getByRole("button", { name: /^Log out / }).click()
        await devices.nth(1).waitFor({ state: "detached" })
        await page.keyboard.press("Escape")
      })
      // What somebody has looked at needs nobody any more.
      yield* on(() => page.goto(`${url}/console/#/`))
      yield* until("no unanswered conversation", async () => {
        await page.reload()
        await page.locator(".site-row").first().waitFor()
        return (await page.getByRole("link", { name: "1 unanswered" }).count()) === 0
      })
      assert.deepStrictEqual(errors.slice(before), [])
    }).pipe(Effect.scoped)
  )
})

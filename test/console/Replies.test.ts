/**
 * Replies to visitors from the console, in a browser, to a real mail server.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import PostalMime from "postal-mime"
import { Transcripts } from "../../src/chat/Transcripts.ts"
import { Mails } from "../../src/delivery/mail/Mail.ts"
import * as MailDispatcher from "../../src/delivery/mail/MailDispatcher.ts"
import * as Mailer from "../../src/delivery/mail/Mailer.ts"
import { makeMemory, type Sender } from "../../src/delivery/mail/Mailer.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as ConversationData from "../support/console/ConversationData.ts"
import { mailReceiver } from "../support/MailReceiver.ts"
import * as Draft from "../support/SubmissionDraft.ts"
import { onFewConnections as testServer } from "../support/TestServer.ts"
import * as TestTime from "../support/TestTime.ts"
import { poll, until } from "../support/Wait.ts"

const sender: Sender = {
  from: { name: "Edge", address: "mail@edge.example" },
  publicUrl: "https://edge.example",
  consoleUrl: null,
  secretsKey: Redacted.make<Uint8Array>(new Uint8Array(32))
}

/** The server can send mail, and the tests start the process that does. */
const layer = Layer.mergeAll(ConsolePage.SharedOwner.layer, ConsolePage.SpareSites.layer("Harbour", 4)).pipe(
  Layer.provideMerge(testServer({}, undefined, undefined, Option.some({ sender, mailer: makeMemory([]) }))),
  Layer.provideMerge(TestTime.layer),
  Layer.orDie
)

const newSite = Effect.gen(function* () {
  const { websiteConfigId } = yield* ConsolePage.SpareSites.use(({ take }) => take)
  const receivedAt = yield* Clock.currentTimeMillis
  const submit = (email: string | null, message: string, more: Partial<Parameters<typeof Draft.make>[1]> = {}) =>
    SubmissionRepo.use((repo) =>
      repo.submit(Draft.make(websiteConfigId, { email, formData: JSON.stringify({ message }), receivedAt, ...more }))
    )
  return { site: websiteConfigId, submit }
}).pipe(Effect.orDie)

inChromium("replies from the console", layer, (it) => {
  it.effect(
    "a person replies by mail, keeps what is typed until it is sent, and others see the reply and its state",
    () =>
      Effect.gen(function* () {
        const { site, submit } = yield* newSite
        const submission = yield* submit("ann@example.org", "On Sunday?")
        const other = yield* submit("ben@example.org", "And on Monday?")
        const { errors, on, page } = yield* ConsolePage.show(`#/${site}/inbox/${submission}`)
        const reply = page.getByRole("button", { name: "Reply", exact: true })
        const text = page.getByLabel("Your reply to ann@example.org")
        yield* on(() => reply.click())
        yield* until("the focus is in the text", () =>
          page.evaluate<boolean>("document.activeElement?.tagName === 'TEXTAREA'")
        )
        yield* on(() => text.fill("Yes,\nfrom nine."))
        yield* on(() => page.locator(`.submission a[href*="${other}"]`).click())
        yield* on(() => page.getByRole("heading", { name: "ben@example.org" }).waitFor())
        assert.strictEqual(yield* on(() => text.count()), 0)
        yield* on(() => page.locator(`.submission a[href*="${submission}"]`).click())
        assert.strictEqual(yield* on(() => text.inputValue()), "Yes,\nfrom nine.")
        const address = page.getByLabel("Your email address")
        yield* on(() => address.fill("ada@shop"))
        const send = page.getByRole("button", { name: "Send reply" })
        yield* on(() => send.click())
        yield* on(() => page.getByText(/An email address such as ada@example.com is expected/i).waitFor())
        assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, ".details")), [])
        yield* on(() => address.fill("ada@shop.example"))
        yield* on(() => send.click())
        const sent = page.locator(".replies li")
        yield* on(() => sent.getByText("On its way").waitFor())
        assert.strictEqual(yield* on(() => text.count()), 0)
        // This browser knows the address of the next reply.
        yield* on(() => reply.click())
        assert.strictEqual(yield* on(() => address.inputValue()), "ada@shop.example")
        yield* on(() => page.getByRole("button", { name: "Cancel" }).click())

        const { port, received } = yield* mailReceiver()
        yield* Layer.build(
          MailDispatcher.layer(
            {
              sender,
              mailer: Mailer.makeSmtp({
                server: { host: "127.0.0.1", port, isTls: false, needsTls: false, login: null }
              })
            },
            []
          ).pipe(Layer.provide(Layer.mock(Mails, { make: () => Effect.succeed(0), lease: () => Effect.succeed([]) })))
        )
        yield* poll(
          Effect.sync(() => received.length),
          (count) => count === 1
        )
        const mail = yield* on(() => PostalMime.parse(received[0]?.source ?? ""))
        assert.deepStrictEqual(mail.replyTo, [{ name: "", address: "ada@shop.example" }])
        assert.deepStrictEqual(received[0]?.recipients, ["ann@example.org"])
        assert.include(mail.text ?? "", "Yes,\nfrom nine.")
        // The page learns that without being loaded again.
        yield* on(() => sent.getByText("Sent", { exact: true }).waitFor())

        const marks = (of: typeof page) => of.locator(".submission").filter({ hasText: "Answered" })
        yield* on(() => marks(page).waitFor())
        const file = process.env["SCREENSHOTS"]
        if (file !== undefined) yield* on(() => page.screenshot({ path: `${file}/answered.png` }))

        const viewer = yield* ConsolePage.open(`#/${site}/inbox/${submission}`, {}, "viewer")
        yield* viewer.on(() => marks(viewer.page).filter({ hasText: "On Sunday?" }).waitFor())
        assert.strictEqual(yield* viewer.on(() => marks(viewer.page).count()), 1)
        yield* viewer.on(() => viewer.page.locator(".replies .words").getByText("from nine.").waitFor())
        assert.strictEqual(yield* viewer.on(() => viewer.page.getByRole("button", { name: "Reply" }).count()), 0)
        yield* until("the state", async () => {
          await viewer.page.reload()
          await viewer.page.locator(".replies li").waitFor()
          return (await viewer.page.locator(".replies li").getByText("Sent", { exact: true }).count()) === 1
        })
        // The 422 of the invalid address.
        assert.isAtMost(errors.length, 1)
      }).pipe(Effect.scoped)
  )

  it.effect("a conversation says that the address that its visitor left was answered, and when", () =>
    Effect.gen(function* () {
      const { site, submit } = yield* newSite
      const instanceId = yield* ConversationData.newInstance(site, "Guide")
      const conversationId = yield* ConversationData.store(instanceId, { question: "On Sunday?", answer: "" })
      const conversation = { instanceId, conversationId }
      yield* submit("ann@example.org", "On Sunday?", { conversation })
      // As the link in a mail names it.
      const found = yield* Transcripts.use(({ find }) => find("all", conversation))
      const message = Option.getOrThrow(found).messages[0]?.id
      const { on, page } = yield* ConsolePage.show(`#/${site}/conversations/${message}?instance=${instanceId}`)
      const contact = page.getByText("The visitor left an address: ann@example.org")
      yield* on(() => contact.waitFor())
      assert.notInclude((yield* on(() => contact.textContent())) ?? "", "Answered")
      assert.include(page.url(), `/conversations/${conversationId}?`)
      yield* on(() => page.getByRole("link", { name: "ann@example.org" }).click())
      yield* on(() => page.getByRole("button", { name: "Reply", exact: true }).click())
      yield* on(() => page.getByLabel("Your reply to ann@example.org").fill("From nine."))
      yield* on(() => page.getByLabel("Your email address").fill("ada@shop.example"))
      yield* on(() => page.getByRole("button", { name: "Send reply" }).click())
      yield* on(() => page.locator(".replies li").waitFor())
      yield* on(() => page.getByRole("link", { name: "Read the conversation" }).click())
      yield* on(() => contact.filter({ hasText: /· Answered (by .*)?\w+day, / }).waitFor())
    })
  )

  it.effect("a reply to a submission that nobody has chosen marks it as read", () =>
    Effect.gen(function* () {
      const { site, submit } = yield* newSite
      yield* submit("ann@example.org", "On Sunday?")
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      yield* on(() => page.getByRole("button", { name: "Mark as read" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Reply", exact: true }).click())
      yield* on(() => page.getByRole("button", { name: "Mark as unread" }).waitFor())
    })
  )

  it.effect("a submission without an address, or in the quarantine, offers no reply by mail", () =>
    Effect.gen(function* () {
      const { site, submit } = yield* newSite
      const anonymous = yield* submit(null, "Hello")
      const held = yield* submit("spam@example.org", "Buy", { status: "quarantined", reasons: ["links"] })
      const { on, page, show } = yield* ConsolePage.show(`#/${site}/inbox/${anonymous}`)
      yield* on(() => page.getByRole("button", { name: "Mark as unread" }).waitFor())
      assert.strictEqual(yield* on(() => page.getByRole("button", { name: "Reply", exact: true }).count()), 0)
      yield* show(`#/${site}/inbox/${held}?folder=quarantine`)
      yield* on(() => page.getByRole("button", { name: "Not spam" }).waitFor())
      assert.strictEqual(yield* on(() => page.getByRole("button", { name: "Reply", exact: true }).count()), 0)
    })
  )
})

/**
 * Leaving an address in the chat, in a browser.
 */
import { assert } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import * as Axe from "../support/browser/Axe.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import type { Fault, Received } from "../support/browser/Network.ts"
import * as MemoryStorage from "../support/MemoryStorage.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const { script } = ChatPage.agent()

/** A chat of an instance of the test's website. */
const begin = (contact: "failed" | "always" | "off", options: ChatPage.Options = {}) =>
  Effect.gen(function* () {
    const { instance, websiteConfigId } = yield* TestServer
    yield* InstanceDirectory.use(({ update }) =>
      update(instance.instance_id, { website_config_id: websiteConfigId, contact })
    ).pipe(Effect.orDie)
    const chat = yield* ChatPage.make(options)
    const { page } = chat
    yield* chat.begin
    return {
      ...chat,
      instanceId: instance.instance_id,
      offer: page.getByRole("button", { name: "Leave your address, we answer" }),
      email: page.getByLabel("Your email address"),
      text: page.locator(".contact-form textarea"),
      submit: page.locator(".contact-form button").first()
    }
  })

/** The submissions of the test's website with this address. */
const submissionsOf = (address: string) =>
  Effect.gen(function* () {
    const { websiteConfigId } = yield* TestServer
    const all = yield* Inbox.use((inbox) => Stream.runCollect(inbox.stream(websiteConfigId, {})))
    return all.filter(({ email }) => email === address)
  }).pipe(Effect.orDie)

inChromium("a visitor who got no answer", testServer({}, script, undefined, MemoryStorage.layer(), "edge"), (it) => {
  it.effect("leaves an address, with the question, as a submission that names the conversation", () =>
    Effect.gen(function* () {
      const { answered, email, errors, instanceId, offer, on, page, send, spoken, submit, text } =
        yield* begin("failed")
      yield* send("say: Hello.")
      yield* answered("Hello.")
      assert.isFalse(yield* on(() => offer.isVisible()))
      yield* send("break: Please")
      yield* on(() => offer.click())
      yield* until("the focus is in the form", () =>
        page.evaluate<boolean>("document.querySelector('hydracore-chat').shadowRoot.activeElement?.type === 'email'")
      )
      assert.strictEqual(yield* on(() => text.inputValue()), "break: Please")
      assert.isFalse(yield* on(() => page.locator(".composer").isVisible()))
      const frameOf = (field: typeof text) =>
        on(() =>
          field.evaluate((element) => {
            const { border, padding } = element.ownerDocument.defaultView.getComputedStyle(element)
            return `${border}, ${padding}`
          })
        )
      assert.strictEqual(yield* frameOf(text), yield* frameOf(email))
      assert.match(yield* frameOf(text), /^1px solid/)
      yield* on(() => Axe.violations(page).then((found) => assert.deepStrictEqual(found, [])))
      yield* on(() => email.fill("ann@example.org"))
      yield* on(() => text.fill("Please call me"))
      yield* on(() => page.keyboard.press("Tab"))
      yield* on(() => submit.press("Enter"))
      yield* on(() => page.getByText("Thank you. We will answer to ann@example.org.").first().waitFor())
      yield* until("the announcement", async () => (await spoken()).some((sentence) => sentence.includes("Thank you")))
      const [stored, ...others] = yield* submissionsOf("ann@example.org")
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual([stored?.pageSlug, stored?.formData], ["chat", '{"message":"Please call me"}'])
      assert.deepInclude(stored?.conversation, { instanceId })
      // Written within two seconds: the question is filled in already.
      assert.deepStrictEqual([stored?.status, stored?.reasons], ["accepted", []])
      assert.isTrue(yield* on(() => page.locator(".composer").isVisible()))
      // A later answer ends the thanks and the offer.
      yield* send("say: Back again.")
      yield* answered("Back again.")
      yield* until("nothing to offer", async () => !(await page.locator(".contact-box").isVisible()))
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("names the conversation that began with a message that the agent refused", () =>
    Effect.gen(function* () {
      const { answered, email, errors, instanceId, offer, on, page, send, submit } = yield* begin("failed")
      yield* send("refuse: Please")
      yield* on(() => offer.click())
      yield* on(() => email.fill("cid@example.org"))
      yield* on(() => submit.click())
      yield* on(() => page.getByText("Thank you.").first().waitFor())
      const [stored] = yield* submissionsOf("cid@example.org")
      if (!stored?.conversation) return assert.fail("the submission names no conversation")
      assert.strictEqual(stored.conversation.instanceId, instanceId)
      const messages = Option.getOrThrow(yield* ConversationStore.use(({ read }) => read(stored.conversation!)))
      assert.deepStrictEqual(
        messages.map(({ role }) => role),
        ["user", "assistant"]
      )
      // The next message continues the conversation.
      yield* send("say: Hello.")
      yield* answered("Hello.")
      const continued = Option.getOrThrow(yield* ConversationStore.use(({ read }) => read(stored.conversation!)))
      assert.lengthOf(continued, 4)
      // The browser reports the response itself.
      assert.isTrue(errors.every((error) => error.includes("502")))
    })
  )

  it.effect("keeps what was typed if it cannot be sent, and sends it once", () =>
    Effect.gen(function* () {
      const { answered, email, offer, on, page, relay, submit, text } = yield* begin("always")
      void answered
      yield* on(() => offer.click())
      assert.strictEqual(yield* on(() => text.inputValue()), "")
      yield* on(() => email.fill("ben@example.org"))
      const keys = new Set<string>()
      const fail =
        (fault: Fault) =>
        ({ headers, method, path }: Received): Fault | undefined => {
          if (method !== "POST" || path !== paths.submit) return undefined
          keys.add(String(headers["idempotency-key"]))
          return fault
        }
      relay.fault = fail({ _tag: "Answer", status: 503, headers: {}, body: "" })
      yield* on(() => submit.click())
      yield* on(() => page.getByText("Something went wrong. Please try again.").first().waitFor())
      assert.strictEqual(yield* on(() => email.inputValue()), "ben@example.org")
      relay.fault = fail({ _tag: "Answer", status: 422, headers: {}, body: "" })
      yield* on(() => submit.click())
      yield* on(() => page.getByText("Please check your address.").first().waitFor())
      assert.lengthOf([...keys], 1)
      relay.fault = () => undefined
      yield* on(() => submit.click())
      yield* on(() => page.getByText("Thank you.").first().waitFor())
      assert.lengthOf(yield* submissionsOf("ben@example.org"), 1)
    })
  )

  it.effect("gets no offer from an instance that offers none, and the website's own words for it", () =>
    Effect.gen(function* () {
      const off = yield* begin("off")
      yield* off.send("break: Please")
      yield* off.on(() => off.page.locator(".error").waitFor())
      assert.isFalse(yield* off.on(() => off.offer.isVisible()))
      const german = yield* begin("failed", { attributes: `strings='{"contact":"Wir antworten per Mail"}'` })
      yield* german.send("refuse:")
      yield* german.on(() => german.page.getByRole("button", { name: "Wir antworten per Mail" }).waitFor())
    })
  )

  it.effect("fills in the form on a phone in the dark", () =>
    Effect.gen(function* () {
      const { email, offer, on, page, send, submit } = yield* begin("failed", {
        viewport: { width: 390, height: 700 },
        colorScheme: "dark",
        attributes: 'theme="auto"'
      })
      yield* send("late:")
      yield* on(() => offer.click())
      yield* on(() => email.fill("ann@example.org"))
      for (const element of [email, submit]) {
        const box = yield* on(() => element.boundingBox())
        assert.isAtMost((box?.y ?? 0) + (box?.height ?? 0), 700)
      }
      yield* on(() => Axe.violations(page).then((found) => assert.deepStrictEqual(found, [])))
      const file = process.env["SCREENSHOTS"]
      if (file !== undefined) yield* on(() => page.screenshot({ path: `${file}/contact-390-dark.png` }))
    })
  )
})

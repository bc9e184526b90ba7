/**
 * The console's conversations in a browser.
 */

import { randomUUID } from "node:crypto"
import { readFile } from "node:fs/promises"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as Id from "../../src/platform/Id.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as ConversationData from "../support/console/ConversationData.ts"
import { until } from "../support/Wait.ts"

const newSite = ConsolePage.SpareSites.use(({ take }) => take).pipe(
  Effect.map(({ websiteConfigId }) => websiteConfigId)
)

/** Creates a website with an assistant and the example conversations. */
const siteWithConversations = Effect.gen(function* () {
  const site = yield* newSite
  const instance = yield* ConversationData.newInstance(site, "Guide")
  for (const turns of ConversationData.examples) yield* ConversationData.store(instance, ...turns)
  return { site, instance }
})

/** Deletes the open conversation with a request that the console does not notice. */
const deleteElsewhere = (page: Page, site: string, instance: string) =>
  Effect.promise(() =>
    page.evaluate(`(async () => {
      const conversation = location.hash.split("/")[3]
      await fetch("/v1/owner/sites/${site}/instances/${instance}/conversations/" + conversation, { method: "DELETE" })
    })()`)
  )

const layer = Layer.mergeAll(ConsolePage.SharedOwner.layer, ConsolePage.SpareSites.layer("Chat", 11)).pipe(
  Layer.provideMerge(ConsolePage.layerOfTwoDays)
)

inChromium("the console's conversations", layer, (it) => {
  it.effect("are shown as the visitor saw them, with sources, ratings and stopped answers", () =>
    Effect.gen(function* () {
      const { site } = yield* siteWithConversations
      const { errors, on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
      yield* on(() => page.getByRole("link", { name: "Is there a tour for children?" }).click())
      const transcript = page.locator(".transcript")
      yield* on(() => transcript.getByRole("table").waitFor())
      assert.strictEqual(yield* on(() => transcript.getByRole("cell", { name: "First strokes" }).count()), 1)
      assert.strictEqual(
        yield* on(() => transcript.getByRole("link", { name: "Tours" }).getAttribute("href")),
        "https://fjordlight.example/tours"
      )
      for (const time of yield* on(() => transcript.locator("time").allTextContents())) assert.match(time, /\d:\d\d/)
      yield* on(() => transcript.getByText("The visitor stopped this answer.").waitFor())
      yield* on(() => transcript.getByText("I wanted an answer, not another address").waitFor())
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("show the page, the source and the country of the visit in which they began", () =>
    Effect.gen(function* () {
      const site = yield* ConsolePage.SpareSites.use(({ take }) => take)
      const instance = yield* ConversationData.newInstance(site.websiteConfigId, "Guide")
      const turn = { question: "Do you rent dry suits?", answer: "Yes." }
      yield* ConversationData.store(instance, { ...turn, question: "And boots?" })
      const view = { path: "/prices", referrerHost: "www.google.com", country: "NO" }
      yield* ConversationData.storeWithView(site, view, instance, turn)
      const { errors, on, page } = yield* ConsolePage.show(`#/${site.websiteConfigId}/conversations`)
      const visit = "/prices · from Google · Norway"
      const textOf = (row: string) => on(() => page.getByRole("link", { name: row }).textContent())
      assert.include(yield* textOf(turn.question), `2 messages · ${visit}`)
      assert.match((yield* textOf("And boots?")) ?? "", /2 messages$/)
      yield* on(() => page.locator(".transcript-head").getByText(visit).waitFor())
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("one that got no answer is marked until somebody opens it, also for everybody else", () =>
    Effect.gen(function* () {
      const { site } = yield* siteWithConversations
      const question = "Hva koster en tur for to voksne og to barn?"
      const viewer = yield* ConsolePage.open(`#/${site}/conversations`, {}, "viewer")
      const badge = (page: Page) =>
        page.getByRole("navigation", { name: "Pages" }).getByText("1 unanswered conversation")
      const marked = (page: Page) => page.locator(".conversation.unread")
      yield* until("the viewer's mark", async () => (await marked(viewer.page).count()) === 1)
      // A viewer changes nothing by reading.
      yield* viewer.on(() => viewer.page.getByRole("link", { name: question }).click())
      yield* viewer.on(() => viewer.page.locator(".transcript").waitFor())
      const { on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
      yield* on(() => badge(page).waitFor())
      assert.include((yield* on(() => marked(page).textContent())) ?? "", question)
      const count = page.locator(".conversation").getByText("1 unanswered")
      const isBad = () => count.evaluate((mark) => mark.classList.contains("bad"))
      assert.isTrue(yield* on(isBad))
      // The newest is open beside the list, which changes nothing until a person chooses it.
      const opened: Array<string> = []
      page.on("request", (request) => void (request.url().endsWith("/opened") && opened.push(request.url())))
      yield* on(() => page.getByRole("searchbox").fill(question))
      yield* on(() => page.getByRole("heading", { name: question }).waitFor())
      yield* on(() => page.locator(".transcript").getByText(question).waitFor())
      assert.deepStrictEqual(opened, [])
      yield* on(() => page.getByText("left no address").waitFor())
      yield* on(() => page.getByRole("link", { name: "Try the assistant" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Mark as seen" }).click())
      yield* on(() => badge(page).waitFor({ state: "detached" }))
      yield* on(() =>
        page
          .locator(".transcript-head")
          .getByText(/^Opened /)
          .waitFor()
      )
      yield* until("no mark", async () => (await marked(page).count()) === 0)
      assert.isFalse(yield* on(isBad))
      yield* viewer.on(() => viewer.page.reload())
      yield* viewer.on(() =>
        viewer.page
          .locator(".transcript-head")
          .getByText(/^Opened /)
          .waitFor()
      )
      assert.strictEqual(yield* viewer.on(() => marked(viewer.page).count()), 0)
      assert.strictEqual(yield* viewer.on(() => badge(viewer.page).count()), 0)
    })
  )

  it.effect("an answer is shown to its last character, with a paragraph for each of its texts", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const instanceId = yield* ConversationData.newInstance(site, "Guide")
      const { begin, complete } = yield* ConversationStore
      const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
      const answerId = Id.MessageId.make(randomUUID())
      yield* begin({ key, answerId, message: { messageId: Id.MessageId.make(randomUUID()), text: "What is private?" } })
      yield* complete({
        answerId,
        ending: "stop",
        usage: null,
        parts: [
          { type: "text", text: "Let me look." },
          { type: "text", text: "What begins with _" }
        ]
      })
      const { on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
      yield* on(() => page.getByRole("link", { name: "What is private?" }).click())
      const paragraphs = page.locator(".markdown p")
      yield* on(() => paragraphs.last().waitFor())
      assert.deepStrictEqual(yield* on(() => paragraphs.allTextContents()), ["Let me look.", "What begins with _"])
    })
  )

  it.effect("can be searched, and filtered to those that are unanswered or rated bad", () =>
    Effect.gen(function* () {
      const { site } = yield* siteWithConversations
      const { on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
      const listed = () => page.locator(".entry .sender").allTextContents()
      yield* until("all", async () => (await listed()).length === 3)
      for (const [name, question] of [
        ["Unanswered", "Hva koster en tur for to voksne og to barn?"],
        ["Rated bad", "Is there a tour for children?"]
      ] as const) {
        yield* on(() => page.getByRole("button", { name, exact: true }).click())
        yield* until(name, async () => (await listed()).includes(question) && (await listed()).length < 3)
      }
      yield* on(() => page.getByRole("button", { name: "All", exact: true }).click())
      yield* on(() => page.getByRole("searchbox", { name: "Search" }).fill("dry suit"))
      yield* until("one", async () => (await listed()).join() === "Do you rent dry suits?")
    })
  )

  it.effect("a search that waits keeps the other filters and what is typed after it", () =>
    Effect.gen(function* () {
      const { site } = yield* siteWithConversations
      const { on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
      const field = page.getByRole("searchbox", { name: "Search" })
      yield* on(() => page.locator(".entry").first().waitFor())
      yield* on(() =>
        page.evaluate(`(async () => {
          const field = document.querySelector("input[type=search]")
          const type = (text) => {
            field.value = text
            field.dispatchEvent(new InputEvent("input", { bubbles: true }))
          }
          const { replaceState } = history
          history.replaceState = (...state) => {
            delete history.replaceState
            replaceState.apply(history, state)
            setTimeout(() => type("dry suit"))
          }
          type("dry")
          await new Promise((resolve) => setTimeout(resolve, 100))
          document.querySelector(".folders button:last-child").click()
        })()`)
      )
      yield* until("both filters", async () =>
        (await page.evaluate<string>("location.hash")).endsWith("?show=up&search=dry+suit")
      )
      assert.strictEqual(yield* on(() => field.inputValue()), "dry suit")
    })
  )

  it.effect("a conversation that was deleted elsewhere is not shown any more", () =>
    Effect.gen(function* () {
      const { instance, site } = yield* siteWithConversations
      const { on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
      yield* on(() => page.getByRole("link", { name: "Do you rent dry suits?" }).click())
      yield* on(() => page.locator(".transcript").waitFor())
      yield* deleteElsewhere(page, site, instance)
      yield* on(() => page.getByRole("link", { name: "Is there a tour for children?" }).click())
      yield* on(() => page.getByText("The visitor stopped this answer.").waitFor())
      yield* on(() => page.goBack())
      yield* on(() => page.getByText("This conversation no longer exists.").waitFor())
      assert.strictEqual(yield* on(() => page.locator(".transcript").count()), 0)
    })
  )

  it.effect("the conversations of the chosen days are listed, and the export has the same filters", () =>
    Effect.gen(function* () {
      const { site } = yield* siteWithConversations
      const { loaded, on, page } = yield* ConsolePage.show(`#/${site}/conversations?from=2020-01-01&to=2020-01-31`)
      yield* on(() => page.getByText("No conversation matches").waitFor())
      yield* on(() => page.getByRole("button", { name: "Days: Jan 1 – 31, 2020" }).click())
      yield* on(() => page.getByRole("menuitemradio", { name: "Last 7 days" }).click())
      yield* until("all", async () => (await page.locator(".entry").count()) === 3)
      yield* on(() => page.getByRole("button", { name: "Rated bad", exact: true }).click())
      yield* until("one", async () => (await page.locator(".entry").count()) === 1)
      yield* loaded
      assert.match(
        yield* on(() => page.evaluate<string>("location.hash")),
        /\?show=down&from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d$/
      )
      const lines = yield* on(async () => {
        const download = page.waitForEvent("download")
        await page.getByRole("button", { name: "Export" }).click()
        const file = await readFile(await (await download).path(), "utf8")
        return file.trim().split("\n")
      })
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "Is there a tour for children?")
    })
  )

  it.effect("a conversation is deleted after a confirmation", () =>
    Effect.gen(function* () {
      const { site } = yield* siteWithConversations
      const { on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
      yield* on(() => page.getByRole("link", { name: "Do you rent dry suits?" }).click())
      yield* on(() => page.getByRole("button", { name: "Delete" }).click())
      const listed = page.getByRole("link", { name: "Do you rent dry suits?" })
      yield* on(async () => {
        // The list leaves it out at once; a page that is loaded again before the answer may still have it.
        const answer = page.waitForResponse((response) => response.request().method() === "DELETE")
        await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
        await listed.waitFor({ state: "detached" })
        await answer
      })
      yield* on(() => page.reload())
      yield* on(() => page.locator(".entry a").first().waitFor())
      assert.strictEqual(yield* on(() => listed.count()), 0)
    })
  )

  it.effect("the deletion of a conversation that was deleted elsewhere does not fail", () =>
    Effect.gen(function* () {
      const { instance, site } = yield* siteWithConversations
      const { loaded, on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
      yield* on(() => page.getByRole("link", { name: "Do you rent dry suits?" }).click())
      yield* on(() => page.getByRole("button", { name: "Delete" }).click())
      yield* deleteElsewhere(page, site, instance)
      yield* on(() => page.getByRole("dialog").getByRole("button", { name: "Delete" }).click())
      yield* on(() => page.getByRole("link", { name: "Do you rent dry suits?" }).waitFor({ state: "detached" }))
      yield* loaded
      assert.strictEqual(yield* on(() => page.getByRole("alert").count()), 0)
    })
  )

  it.effect(
    "without an assistant, the page shows how to connect one; without conversations, it says that there are none",
    () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const { on, page } = yield* ConsolePage.show(`#/${site}/conversations`)
        yield* on(() => page.getByRole("heading", { name: "No assistant on this website" }).waitFor())
        yield* ConversationData.newInstance(site, "Guide")
        yield* on(() => page.reload())
        yield* on(() => page.getByRole("heading", { name: "No conversations yet" }).waitFor())
      })
  )
})

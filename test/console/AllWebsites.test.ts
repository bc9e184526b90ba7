/**
 * What waits on all websites: the list of websites, and the inbox and the conversations of all of them.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { Site } from "../../src/sites/Site.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as ConversationData from "../support/console/ConversationData.ts"
import * as Draft from "../support/SubmissionDraft.ts"
import { until } from "../support/Wait.ts"

const submit = Effect.fnUntraced(function* ({ websiteConfigId }: Site, email: string) {
  const receivedAt = yield* Clock.currentTimeMillis
  const draft = Draft.make(websiteConfigId, {
    email,
    formData: '{"message":"Do you have kayaks for two?"}',
    receivedAt
  })
  yield* SubmissionRepo.use((submissions) => submissions.submit(draft))
}, Effect.orDie)

/** One website has a lead and a conversation that got no answer, and the other one has a lead. */
const store = Effect.gen(function* () {
  const { busy, fresh } = yield* ConsolePage.Websites
  yield* submit(fresh, "ada@example.org")
  yield* submit(busy, "ben@example.org")
  const instance = yield* ConversationData.newInstance(fresh.websiteConfigId, "Guide")
  yield* ConversationData.store(instance, { question: "Please call me", answer: "", ending: "failed" })
})

const layer = Layer.provideMerge(ConsolePage.SharedOwner.layer, ConsolePage.layerOfTwoDays)

inChromium("all websites", layer, (it) => {
  it.effect("show what waits, and an inbox and conversations of all of them, with the website as a filter", () =>
    Effect.gen(function* () {
      yield* store
      const { busy, fresh } = yield* ConsolePage.Websites
      const { errors, loaded, on, page, show } = yield* ConsolePage.show("#/")
      yield* loaded
      const rows = page.locator(".site-row")
      const row = rows.filter({ hasText: "New website" })
      yield* on(() => row.getByRole("link", { name: "1 new lead" }).waitFor())
      yield* on(() => row.getByRole("link", { name: "1 unanswered" }).waitFor())
      const nav = page.getByRole("navigation", { name: "Pages" })
      yield* on(() => nav.getByRole("link", { name: /Conversations 1 unanswered conversation/ }).waitFor())
      const title = () => page.title()
      yield* until("the count in the title", async () => /^\(\d+\+?\) Websites · HydraCore$/.test(await title()))
      const before = Number(/\d+/.exec(yield* on(title))?.[0])

      const inbox = nav.getByRole("link", { name: /^Inbox/ })
      yield* on(() => inbox.click())
      const unread = Number(
        /^(\d+) unread$/.exec((yield* on(() => inbox.locator(".sr-only").textContent())) ?? "")?.[1]
      )
      assert.isBelow(unread, before)
      yield* until("the count of the page in the title", async () => (await title()).startsWith(`(${unread}) Inbox`))
      const entries = page.locator(".entry a")
      yield* on(() => entries.filter({ hasText: "ada@example.org" }).waitFor())
      yield* on(() => page.getByText("Choose a submission to read it.").waitFor())
      const first = yield* on(() => entries.allTextContents())
      assert.isTrue(first.some((text) => text.includes("ben@example.org") && text.includes(busy.name)))
      yield* on(() => ConsolePage.choose(page.getByRole("combobox", { name: "Website" }), fresh.name))
      yield* until("only those of the website", async () => (await entries.count()) === 1)
      yield* on(() => entries.first().click())
      yield* on(() => page.locator(".details").getByText("Do you have kayaks for two?").waitFor())
      yield* until("a smaller count in the title", async () =>
        (await title()).startsWith(unread === 1 ? "Inbox" : `(${unread - 1}) Inbox`)
      )
      // A mark as spam can be undone.
      yield* on(() => page.getByRole("button", { name: "Mark as spam" }).click())
      yield* on(() => page.getByRole("heading", { name: "ada@example.org" }).waitFor({ state: "detached" }))
      yield* until("the address of the list", async () => /\/all\/inbox(\?[^/]*)?$/.test(page.url()))
      yield* on(() => page.getByRole("status").getByRole("button", { name: "Undo" }).click())
      yield* on(() => page.getByRole("heading", { name: "ada@example.org" }).waitFor())

      yield* on(() => nav.getByRole("link", { name: /^Conversations/ }).click())
      yield* on(() => entries.filter({ hasText: "Please call me" }).click())
      yield* on(() => page.locator(".transcript").waitFor())
      yield* until("no count", async () => (await nav.getByText("unanswered").count()) === 0)
      // A reload finds the website of what is open.
      yield* on(() => page.reload().then(() => page.locator(".transcript").waitFor()))
      yield* on(() => page.getByRole("button", { name: "Delete" }).click())
      yield* on(() => page.getByRole("dialog").getByRole("button", { name: "Delete" }).click())
      yield* on(() => page.locator(".transcript").waitFor({ state: "detached" }))
      yield* until("the address of the list", async () => /\/all\/conversations$/.test(page.url()))
      yield* on(() => page.locator(".entries a:focus, #content:focus").waitFor())
      yield* show("#/all/conversations?site=00000000-0000-4000-8000-000000000000")
      yield* on(() => page.locator("main").waitFor())
      assert.deepStrictEqual(
        errors.filter((error) => !error.includes("404")),
        []
      )
    })
  )

  it.effect("are accessible on their three pages, in a wide and in a narrow window", () =>
    Effect.gen(function* () {
      yield* store
      const { on, page, show } = yield* ConsolePage.show("#/")
      for (const [width, check] of [
        [1280, ConsolePage.violationsInBothSchemes],
        [360, ConsolePage.violationsInOtherWidth]
      ] as const) {
        yield* ConsolePage.withLook(page, { viewport: { width, height: 800 } })
        for (const fragment of ["#/", "#/all/inbox", "#/all/conversations"]) {
          yield* show(fragment)
          yield* on(() => page.locator(".site-row, .entry").first().waitFor())
          yield* on(() => ConsolePage.loaded(page))
          assert.deepStrictEqual(yield* on(() => check(page)), [], `${fragment} ${width}`)
          const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
          assert.isAtMost(overflow, 0, `${fragment} ${width}`)
        }
      }
    })
  )

  it.effect("are walked through with the keyboard: each row, what waits on it, and its page", () =>
    Effect.gen(function* () {
      yield* store
      const { loaded, on, page } = yield* ConsolePage.show("#/")
      yield* loaded
      const link = page.locator("a.site").first()
      yield* on(() => link.focus())
      yield* on(() => page.keyboard.press("ArrowDown"))
      assert.include(yield* on(() => page.evaluate<string>("document.activeElement.className")), "chip")
      yield* on(() => page.keyboard.press("ArrowUp"))
      yield* on(() => page.keyboard.press("Enter"))
      yield* on(() => page.getByRole("button", { name: /^Websites: / }).waitFor())
    })
  )
})

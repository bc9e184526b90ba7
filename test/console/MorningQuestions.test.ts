/**
 * What an owner wants to know in the morning: each answer is at most three clicks away from the overview.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { Locator, Page } from "playwright-core"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as ConversationData from "../support/console/ConversationData.ts"
import * as Draft from "../support/SubmissionDraft.ts"
import { until } from "../support/Wait.ts"

const mostClicks = 3

/** A person on the overview, who clicks, types and reads. */
interface Person {
  readonly page: Page
  readonly click: (target: Locator) => Promise<void>
  /** The names in the rows under this tab, which must be selected. */
  readonly rows: (tab: string) => Promise<ReadonlyArray<string>>
}

const tab = (page: Page, name: string) => page.locator(".tabs").getByRole("button", { name, exact: true })

const row = (page: Page, name: string) => page.locator(".row").filter({ has: page.getByText(name, { exact: true }) })

const link = (page: Page, name: string | RegExp) => page.getByRole("navigation").getByRole("link", { name })

/** Each question, and what a person does to answer it. Only clicks are counted, not typed text and pressed keys. */
const questions: ReadonlyArray<readonly [question: string, answer: (person: Person) => Promise<void>]> = [
  [
    "this week against last?",
    async ({ click, page }) => {
      await ConsolePage.loaded(page)
      await click(page.getByRole("button", { name: /^Days: / }))
      await click(page.getByRole("menuitemradio", { name: "Last 7 days" }))
      await ConsolePage.loaded(page)
      assert.match(
        (await page.locator(".totals .change").first().textContent()) ?? "",
        /% (more|less) than before|As before/
      )
    }
  ],
  [
    "which campaign brought leads?",
    async ({ click, page, rows }) => {
      await ConsolePage.loaded(page)
      await click(page.locator(".totals").getByRole("button", { name: /^Leads/ }))
      await click(tab(page, "Campaigns"))
      await ConsolePage.loaded(page)
      await until("a campaign with leads", async () => (await rows("Campaigns")).length > 0).pipe(Effect.runPromise)
    }
  ],
  [
    "who wrote today?",
    async ({ click, page }) => {
      await click(link(page, /^Inbox/))
      await page.getByRole("link", { name: /mr\.x@example\.org/ }).waitFor()
      // Submissions of today have a time, and earlier ones a date.
      assert.match((await page.locator(".submission time").first().textContent()) ?? "", /\d:\d\d/)
    }
  ],
  [
    "what did people ask the bot?",
    async ({ click, page }) => {
      await click(link(page, "Conversations"))
      await click(page.locator(".entry a").first())
      await page.locator(".transcript").waitFor()
    }
  ],
  [
    "what could the bot not answer?",
    async ({ click, page }) => {
      await click(link(page, "Conversations"))
      await click(page.getByRole("button", { name: "Unanswered", exact: true }))
      await page.locator(".entry").first().waitFor()
    }
  ],
  [
    "let my colleague see one site",
    async ({ click, page }) => {
      await click(link(page, "Sharing"))
      // A list that turns out to be empty has its button in the middle of the page instead of in its head.
      await ConsolePage.loaded(page)
      await click(page.getByRole("button", { name: "Invite a person" }))
      await page.getByLabel("Name", { exact: true }).pressSequentially("ben@example.org")
      await page.keyboard.press("Enter")
      await click(page.getByRole("button", { name: "Copy" }))
    }
  ],
  [
    "show the agency our numbers",
    async ({ click, page }) => {
      await click(link(page, "Sharing"))
      await ConsolePage.loaded(page)
      await click(page.getByRole("button", { name: "Share the dashboard" }))
      await page.keyboard.press("Enter")
      await click(page.getByRole("button", { name: "Copy" }))
    }
  ],
  [
    "where do visitors leave?",
    async ({ click, page, rows }) => {
      await ConsolePage.loaded(page)
      await click(tab(page, "Exit"))
      await ConsolePage.loaded(page)
      assert.isNotEmpty(await rows("Exit"))
    }
  ],
  [
    "what do people on phones read?",
    async ({ click, page, rows }) => {
      await ConsolePage.loaded(page)
      await click(row(page, "Mobile"))
      await ConsolePage.loaded(page)
      assert.isNotEmpty(await rows("Pages"))
    }
  ],
  [
    "delete what Mr X sent",
    async ({ click, page }) => {
      await click(link(page, /^Inbox/))
      await click(page.getByRole("link", { name: /mr\.x@example\.org/ }))
      await click(page.locator(".details").getByRole("button", { name: "Delete" }))
      await page.getByRole("dialog").waitFor()
      await page.keyboard.press("Enter")
      await until(
        "it is deleted",
        async () => (await page.getByRole("link", { name: /mr\.x@example\.org/ }).count()) === 0
      ).pipe(Effect.runPromise)
    }
  ]
]

inChromium("the morning's questions", ConsolePage.layer, (it) => {
  it.effect(`each takes at most ${mostClicks} clicks`, () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const instance = yield* ConversationData.newInstance(busy.websiteConfigId, "Guide")
      for (const turns of ConversationData.examples) yield* ConversationData.store(instance, ...turns)
      const receivedAt = yield* Clock.currentTimeMillis
      yield* SubmissionRepo.use((submissions) =>
        submissions.submit(Draft.make(busy.websiteConfigId, { email: "mr.x@example.org", formData: "{}", receivedAt }))
      )
      const { errors, on, page } = yield* ConsolePage.open(`#/${busy.websiteConfigId}/overview`)
      for (const [question, answer] of questions) {
        let clicks = 0
        yield* on(async () => {
          await page.goto(`${page.url().split("#")[0]}#/${busy.websiteConfigId}/overview`)
          await answer({
            page,
            click: async (target) => {
              clicks++
              await target.click()
            },
            rows: (name) =>
              page
                .getByRole("region")
                .filter({ has: page.getByRole("button", { name, exact: true, pressed: true }) })
                .locator(".row .name")
                .allTextContents()
          })
        })
        assert.isAtMost(clicks, mostClicks, question)
      }
      assert.lengthOf(questions, 10)
      assert.deepStrictEqual(errors, [])
    })
  )
})

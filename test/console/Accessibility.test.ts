/**
 * axe-core finds no violation in the console's overview, inbox, conversations, session menu and list of websites, and nothing
 * scrolls sideways: in light and dark mode in a wide window, and in a narrow one, whose colors are the same. Every link of the
 * navigation is in the window, or its row shows that it has more.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as ConversationData from "../support/console/ConversationData.ts"
import * as Draft from "../support/SubmissionDraft.ts"
import { until } from "../support/Wait.ts"

const submission = Effect.gen(function* () {
  const { busy } = yield* ConsolePage.Websites
  const receivedAt = yield* Clock.currentTimeMillis
  const draft = { formData: '{"name":"Ada","message":"On Sunday?"}', receivedAt }
  yield* SubmissionRepo.use((submissions) => submissions.submit(Draft.make(busy.websiteConfigId, draft)))
})

const conversations = Effect.gen(function* () {
  const { busy } = yield* ConsolePage.Websites
  const instance = yield* ConversationData.newInstance(busy.websiteConfigId, "Guide")
  for (const turns of ConversationData.examples) yield* ConversationData.store(instance, ...turns)
})

// A check takes time for each text of a page, so there are few visits, on few days.
const layer = Layer.mergeAll(
  ConsolePage.SharedOwner.layer,
  Layer.effectDiscard(Effect.andThen(submission, conversations))
).pipe(Layer.provideMerge(ConsolePage.layerOfTwoDays))

/** Whether each visible link of a row is wholly in the window, and what the row shows. */
const rowOf = (page: Page, name: string) =>
  page.getByRole("navigation", { name }).evaluate((row) => {
    const links = [...row.children].map((link) => link.getBoundingClientRect()).filter(({ width }) => width > 0)
    const frame = row.getBoundingClientRect()
    return {
      isCutOff: links.some(({ left, right }) => left < frame.left - 1 || right > frame.right + 1),
      showsBefore: row.hasAttribute("data-before"),
      showsAfter: row.hasAttribute("data-after")
    }
  })

inChromium("the console", layer, (it) => {
  for (const [width, colors, check] of [
    [1280, " in light and dark mode", ConsolePage.violationsInBothSchemes],
    [360, "", ConsolePage.violationsInOtherWidth]
  ] as const) {
    it.effect(`has no violations and no overflow${colors}, ${width} pixels wide`, () =>
      Effect.gen(function* () {
        const { busy, fresh } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* ConsolePage.show(
          `#/${busy.websiteConfigId}/overview?range=7d&source=Direct / None`,
          { viewport: { width, height: 800 } }
        )
        const assertAccessible = Effect.fnUntraced(function* (state: string, changedPart?: string) {
          yield* loaded
          assert.deepStrictEqual(yield* on(() => check(page, changedPart)), [], state)
          const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
          assert.isAtMost(overflow, 0, state)
        })
        const show = (fragment: string) => on(() => page.evaluate(`location.hash = ${JSON.stringify(fragment)}`))
        const shown = (selector: string) => on(() => page.locator(selector).first().waitFor())
        yield* assertAccessible("the overview")
        yield* on(() => page.getByRole("slider").focus())
        yield* on(() => page.keyboard.press("ArrowLeft"))
        yield* assertAccessible("the overview with a point of the chart", ".series")
        yield* on(() => page.getByRole("button", { name: "Table", exact: true }).click())
        yield* assertAccessible("the overview with a table", ".series")
        yield* on(() => page.getByRole("button", { name: /^Days: / }).click())
        yield* assertAccessible("a menu", ".menu:has([role=menu])")
        yield* on(() => page.getByRole("menuitemradio", { name: "Choose days…" }).click())
        yield* assertAccessible("a dialog", "dialog")
        yield* on(() => page.keyboard.press("Escape"))
        yield* show(`#/${busy.websiteConfigId}/overview?list=page`)
        yield* on(() => page.getByRole("dialog").waitFor())
        yield* assertAccessible("a whole list", "dialog")
        yield* show(`#/${fresh.websiteConfigId}/overview`)
        yield* on(() => page.getByRole("heading", { name: "No visits yet" }).waitFor())
        yield* assertAccessible("a new website")
        yield* show(`#/${busy.websiteConfigId}/inbox`)
        yield* shown(".entry a")
        yield* assertAccessible("the inbox")
        yield* on(() => page.locator(".entry a").first().click())
        yield* shown(".details header")
        yield* assertAccessible("a submission", ".details")
        yield* on(() => page.getByRole("button", { name: /^Session: / }).click())
        yield* assertAccessible("the session menu", ".menu:has([role=menu])")
        yield* on(() => page.keyboard.press("Escape"))
        yield* show(`#/${busy.websiteConfigId}/conversations`)
        yield* on(() => page.locator(".entry a").first().click())
        yield* shown(".transcript")
        yield* assertAccessible("a conversation")
        yield* show("#/")
        yield* shown("a.site")
        yield* assertAccessible("the websites")
      })
    )
  }

  it.effect("lays out rows and the chart from right to left if the page's direction is rtl", () =>
    Effect.gen(function* () {
      const { busy, fresh } = yield* ConsolePage.Websites
      const { on, page } = yield* ConsolePage.show(`#/${fresh.websiteConfigId}/overview`)
      const setDirection = (direction: string) =>
        on(() => page.evaluate(`document.documentElement.dir = "${direction}"`))
      yield* Effect.acquireRelease(setDirection("rtl"), () => setDirection(""))
      yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
      assert.isAtMost(overflow, 0)
      const box = (selector: string) => on(() => page.locator(selector).first().boundingBox())
      const [name, number] = [yield* box(".row .name"), yield* box(".row .number")]
      assert.isAbove(name?.x ?? 0, number?.x ?? 0)
      yield* on(() => page.getByRole("slider").focus())
      const mark = () => page.locator(".plot .u-cursor-x").first().boundingBox()
      // A chart that is drawn again, as when newer numbers arrive, loses its mark.
      yield* until("the next day of the chart is left of the first", async () => {
        await page.keyboard.press("Home")
        const first = await mark()
        await page.keyboard.press("ArrowLeft")
        const second = await mark()
        return first !== null && second !== null && second.x < first.x
      })
    })
  )

  it.effect("has no link in its navigation that is cut off without a sign, in windows of five widths", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/setup`)
      for (const width of [1024, 820, 600, 390, 320]) {
        yield* Effect.gen(function* () {
          yield* ConsolePage.withLook(page, { viewport: { width, height: 800 } })
          yield* loaded
          for (const name of ["Pages", "Settings"]) {
            const row = page.getByRole("navigation", { name })
            const atStart = yield* on(() => rowOf(page, name))
            assert.strictEqual(atStart.isCutOff, atStart.showsAfter || atStart.showsBefore, `${name}, ${width}`)
            yield* on(() => row.evaluate((element) => element.scrollTo({ left: element.scrollWidth })))
            yield* on(() => page.locator(`nav[aria-label="${name}"]:not([data-after])`).waitFor())
            const atEnd = yield* on(() => rowOf(page, name))
            assert.deepStrictEqual(
              [atEnd.showsAfter, atEnd.showsBefore],
              [false, atStart.isCutOff],
              `${name}, ${width}`
            )
            yield* on(() => row.evaluate((element) => element.scrollTo({ left: 0 })))
          }
          if (width >= 600) assert.isFalse((yield* on(() => rowOf(page, "Pages"))).isCutOff, `${width}`)
        }).pipe(Effect.scoped)
      }
    })
  )

  it.effect("leads to the settings without scrolling, and opens menus in the window, 390 pixels wide", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`, {
        viewport: { width: 390, height: 800 }
      })
      yield* loaded
      yield* on(() => page.getByRole("button", { name: /^Days: / }).click())
      const menu = yield* on(() => page.getByRole("menu").boundingBox())
      assert.isAtLeast(menu?.x ?? -1, 0)
      yield* on(() => page.keyboard.press("Escape"))
      const link = page.getByRole("link", { name: "Set up" })
      assert.strictEqual(yield* on(() => link.count()), 1)
      const box = yield* on(() => link.boundingBox())
      assert.isAtMost((box?.x ?? 390) + (box?.width ?? 0), 390)
      yield* on(() => link.click())
      yield* on(() => page.getByRole("navigation", { name: "Settings" }).waitFor())
    })
  )
})

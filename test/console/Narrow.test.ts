/**
 * The console's navigation in narrow windows: every link is in the window, or its row shows that it has more.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"

/** Whether each visible link of a row is wholly in the window, and what the row shows. */
const rowOf = (page: import("playwright-core").Page, name: string) =>
  page.getByRole("navigation", { name }).evaluate((row) => {
    const links = [...row.children].map((link) => link.getBoundingClientRect()).filter(({ width }) => width > 0)
    const frame = row.getBoundingClientRect()
    return {
      isCutOff: links.some(({ left, right }) => left < frame.left - 1 || right > frame.right + 1),
      showsBefore: row.hasAttribute("data-before"),
      showsAfter: row.hasAttribute("data-after")
    }
  })

inChromium(
  "the console in a narrow window",
  Layer.provideMerge(ConsolePage.SharedOwner.layer, ConsolePage.layer),
  (it) => {
    for (const width of [1024, 820, 600, 390, 320]) {
      it.effect(`has no link that is cut off without a sign, ${width} pixels wide`, () =>
        Effect.gen(function* () {
          const { busy } = yield* ConsolePage.Websites
          const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/setup`, {
            viewport: { width, height: 800 }
          })
          yield* loaded
          for (const name of ["Pages", "Settings"]) {
            const row = page.getByRole("navigation", { name })
            const atStart = yield* on(() => rowOf(page, name))
            assert.strictEqual(atStart.isCutOff, atStart.showsAfter || atStart.showsBefore, name)
            yield* on(() => row.evaluate((element) => element.scrollTo({ left: element.scrollWidth })))
            yield* on(() => page.locator(`nav[aria-label="${name}"]:not([data-after])`).waitFor())
            const atEnd = yield* on(() => rowOf(page, name))
            assert.deepStrictEqual([atEnd.showsAfter, atEnd.showsBefore], [false, atStart.isCutOff], name)
          }
          if (width >= 600) assert.isFalse((yield* on(() => rowOf(page, "Pages"))).isCutOff)
        })
      )
    }

    it.effect("leads to the settings without scrolling, 390 pixels wide", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`, {
          viewport: { width: 390, height: 800 }
        })
        yield* loaded
        const link = page.getByRole("link", { name: "Set up" })
        assert.strictEqual(yield* on(() => link.count()), 1)
        const box = yield* on(() => link.boundingBox())
        assert.isAtMost((box?.x ?? 390) + (box?.width ?? 0), 390)
        yield* on(() => link.click())
        yield* on(() => page.getByRole("navigation", { name: "Settings" }).waitFor())
      })
    )
  }
)

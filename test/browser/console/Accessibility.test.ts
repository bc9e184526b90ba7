/**
 * axe-core finds no violation in the console's overview, light and dark, wide and narrow, and nothing scrolls sideways.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { inChromium } from "../../support/browser/Browser.ts"
import * as ConsolePage from "../../support/console/ConsolePage.ts"

inChromium("the console", Layer.provideMerge(ConsolePage.SharedOwner.layer, ConsolePage.layer), (it) => {
  for (const width of [1280, 360]) {
    it.effect(`has no violations and no overflow in light and dark mode, ${width} pixels wide`, () =>
      Effect.gen(function* () {
        const { busy, fresh } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* ConsolePage.show(
          `#/${busy.websiteConfigId}/overview?source=Direct / None`,
          { viewport: { width, height: 800 } }
        )
        const assertAccessible = Effect.fnUntraced(function* (state: string, changedPart?: string) {
          yield* loaded
          assert.deepStrictEqual(yield* on(() => ConsolePage.violationsInBothSchemes(page, changedPart)), [], state)
          const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
          assert.isAtMost(overflow, 0, state)
        })
        const show = (fragment: string) => on(() => page.evaluate(`location.hash = ${JSON.stringify(fragment)}`))
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
      yield* on(() => page.keyboard.press("Home"))
      const first = yield* box(".plot .u-cursor-x")
      yield* on(() => page.keyboard.press("ArrowLeft"))
      const second = yield* box(".plot .u-cursor-x")
      assert.isBelow(second?.x ?? 0, first?.x ?? 0)
    })
  )
})

/**
 * axe-core finds no violation in the console's inbox, conversations, session menu and list of websites, and nothing scrolls
 * sideways: in light and dark mode in a wide window, and in light mode in a narrow one.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { inChromium } from "../../support/browser/Browser.ts"
import * as ConsolePage from "../../support/console/ConsolePage.ts"
import * as ConversationData from "../../support/console/ConversationData.ts"

const conversations = Effect.gen(function* () {
  const { busy } = yield* ConsolePage.Websites
  const instance = yield* ConversationData.newInstance(busy.websiteConfigId, "Guide")
  for (const turns of ConversationData.examples) yield* ConversationData.store(instance, ...turns)
})

const layer = Layer.mergeAll(ConsolePage.SharedOwner.layer, Layer.effectDiscard(conversations)).pipe(
  Layer.provideMerge(ConsolePage.layer)
)

inChromium("the console's lists", layer, (it) => {
  for (const [width, colors, check] of [
    [360, "light mode", ConsolePage.violations],
    [1280, "light and dark mode", ConsolePage.violationsInBothSchemes]
  ] as const) {
    it.effect(`have no violations and no overflow in ${colors}, ${width} pixels wide`, () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/inbox`, {
          viewport: { width, height: 800 }
        })
        const assertAccessible = Effect.fnUntraced(function* (state: string) {
          yield* loaded
          assert.deepStrictEqual(yield* on(() => check(page)), [], state)
          const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
          assert.isAtMost(overflow, 0, state)
        })
        yield* on(() => page.locator(".entry a").first().waitFor())
        yield* assertAccessible("the inbox")
        yield* on(() => page.locator(".entry a").first().click())
        yield* on(() => page.locator(".details header").waitFor())
        yield* assertAccessible("a submission")
        yield* on(() => page.getByRole("button", { name: /^Session: / }).click())
        yield* assertAccessible("the session menu")
        yield* on(() => page.evaluate(`location.hash = "#/${busy.websiteConfigId}/conversations"`))
        yield* on(() => page.locator(".entry a").first().click())
        yield* on(() => page.locator(".transcript").waitFor())
        yield* assertAccessible("a conversation")
        yield* on(() => page.evaluate(`location.hash = "#/"`))
        yield* on(() => page.locator("a.site").first().waitFor())
        yield* assertAccessible("the websites")
      })
    )
  }
})

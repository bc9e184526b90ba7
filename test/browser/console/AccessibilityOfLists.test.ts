/**
 * axe-core finds no violation in the console's inbox, conversations and session menu, light and dark, wide and narrow.
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
  for (const [colorScheme, width] of [
    ["light", 360],
    ["dark", 1280]
  ] as const) {
    it.effect(`have no violations in ${colorScheme} mode, ${width} pixels wide`, () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/inbox`, {
          colorScheme,
          viewport: { width, height: 800 }
        })
        const clean = Effect.fnUntraced(function* (state: string) {
          yield* loaded
          assert.deepStrictEqual(yield* on(() => ConsolePage.violations(page)), [], state)
          const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
          assert.isAtMost(overflow, 0, state)
        })
        yield* on(() => page.locator(".entry a").first().waitFor())
        yield* clean("the inbox")
        yield* on(() => page.locator(".entry a").first().click())
        yield* on(() => page.locator(".details header").waitFor())
        yield* clean("a submission")
        yield* on(() => page.getByRole("button", { name: /^Session: / }).click())
        yield* clean("the session menu")
        yield* on(() => page.evaluate(`location.hash = "#/${busy.websiteConfigId}/conversations"`))
        yield* on(() => page.locator(".entry a").first().click())
        yield* on(() => page.locator(".transcript").waitFor())
        yield* clean("a conversation")
      })
    )
  }
})

/**
 * The side of the window on which the chat's button and panel are.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"

const agent = ChatPage.agent()

const [width, height] = [1000, 800]

/** The distance from the window's edges, by default. */
const offset = 20

inChromium("the chat's side", testServer({}, agent.script), (it) => {
  const cases: ReadonlyArray<readonly [attributes: string, direction: "ltr" | "rtl", expected: "left" | "right"]> = [
    ["", "ltr", "right"],
    ['side="end"', "ltr", "right"],
    ['side="start"', "ltr", "left"],
    ["", "rtl", "left"],
    ['side="end"', "rtl", "left"],
    ['side="start"', "rtl", "right"]
  ]
  for (const [attributes, direction, expected] of cases) {
    it.effect(`${attributes === "" ? "by default" : attributes}, ${direction}: both are at the ${expected}`, () =>
      Effect.gen(function* () {
        const { launcher, on, open, page, panel, site } = yield* ChatPage.make({
          attributes,
          viewport: { width, height },
          html: (script, element) => `<!doctype html><html dir="${direction}"><body>${script}${element}</body></html>`
        })
        yield* open(site.url)
        const assertPlaced = Effect.fnUntraced(function* (part: typeof panel) {
          const box = yield* on(() => part.boundingBox())
          assert.isNotNull(box)
          const left = expected === "left" ? offset : width - offset - box!.width
          assert.closeTo(box!.x, left, 1)
          assert.isAtLeast(box!.y, 0)
          assert.isAtMost(box!.y + box!.height, height)
        })
        yield* assertPlaced(launcher)
        yield* on(() => launcher.click())
        yield* on(() =>
          panel.evaluate((dialog) =>
            Promise.all(dialog.getAnimations().map(({ finished }: { readonly finished: Promise<unknown> }) => finished))
          )
        )
        yield* assertPlaced(panel)
        // A narrow window is filled, whatever the side.
        yield* on(() => page.setViewportSize({ width: 360, height: 700 }))
        yield* on(() => page.locator("dialog:modal").waitFor())
        assert.deepInclude(yield* on(() => panel.boundingBox()), { x: 0, y: 0, width: 360, height: 700 })
      })
    )
  }
})

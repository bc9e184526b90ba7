/**
 * The font of the service's own pages: its size, how it is served, and who loads it.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Built from "../../src/pages/Built.ts"
import { get } from "../support/RawResponses.ts"
import { layer as testServer } from "../support/TestServer.ts"

/** Bytes of both files, which a page with names of several languages loads. */
const budget = 40_960

const fontIn = (page: string): string | undefined => /href="(\/assets\/font-[0-9a-f]{8}\.woff2)"/.exec(page)?.[1]

layer(testServer({ console: true }), { excludeTestServices: true })("the font", (it) => {
  it.effect("is small, preloaded by the console, and kept by browsers for a year", () =>
    Effect.gen(function* () {
      const path = fontIn((yield* get("/console/")).bytes.toString())
      assert.isDefined(path)
      const font = yield* get(path!)
      assert.strictEqual(font.status, 200)
      assert.strictEqual(font.headers["content-type"], "font/woff2")
      assert.strictEqual(font.headers["cache-control"], "public, max-age=31536000, immutable")
      assert.strictEqual(font.bytes.subarray(0, 4).toString(), "wOF2")
      const files = yield* Effect.promise(() => Built.allCompressed(Built.places.assets))
      const fonts = [...files].filter(([name]) => name.endsWith(".woff2"))
      assert.lengthOf(fonts, 2)
      assert.isAtMost(
        fonts.reduce((sum, [, { bytes }]) => sum + bytes.identity.length, 0),
        budget
      )
    })
  )

  it.effect("of another version gets a 404 that is not cached", () =>
    Effect.gen(function* () {
      const font = yield* get("/assets/font-00000000.woff2")
      assert.deepStrictEqual([font.status, font.headers["cache-control"]], [404, "no-store"])
    })
  )

  it.effect("is loaded by no file that websites load", () =>
    Effect.gen(function* () {
      for (const name of Built.scripts) {
        const { bytes } = yield* Effect.promise(() => Built.script(name))
        assert.notMatch(Buffer.from(bytes.identity).toString(), /woff2|font-face|--design-/, name)
      }
    })
  )
})

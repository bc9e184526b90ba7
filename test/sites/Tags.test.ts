/** The tags that the console shows and the command line prints. */
import { assert, describe, it } from "@effect/vitest"
import * as Tags from "../../src/sites/Tags.ts"

const id = "d3b07384-d113-4ec5-a5ec-9b1f2d3c4e5f"

describe("sites/Tags", () => {
  for (const [base, isLocal] of [
    ["https://edge.example", false],
    ["https://localhost.example", false],
    ["http://192.168.0.7:8080", false],
    ["http://localhost:8080", true],
    ["http://127.0.0.1:8080", true],
    ["http://[::1]:8080", true]
  ] as const) {
    it(`the tracker of ${base} ${isLocal ? "counts" : "does not count"} pages of the visitor's own machine`, () => {
      assert.strictEqual(Tags.tracker(base, id).includes(" data-local>"), isLocal)
    })
  }

  it("no text ends its attribute", () => {
    const base = 'https://edge.example/a&b"><script>'
    for (const tag of [Tags.tracker(base, id), Tags.form(base, id), Tags.chat(base, id, "hwt_")]) {
      assert.include(tag, '"https://edge.example/a&amp;b&quot;&gt;&lt;script&gt;/v1/public/')
    }
    assert.include(Tags.chat("", id, 'hwt_<">'), 'token="hwt_&lt;&quot;&gt;"')
  })
})

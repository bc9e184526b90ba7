/**
 * The tags that the console shows are those that the command line prints.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Snippet from "../../src/cli/commands/Snippet.ts"
import * as Tags from "../../src/console/setup/Tags.ts"

const given = {
  trackingToken: "d3b07384-d113-4ec5-a5ec-9b1f2d3c4e5f",
  websiteConfigId: "0f8fad5b-d9cb-469f-a165-70867728950e",
  chat: { instanceId: "6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11", token: 'hwt_<">' }
}

describe("console/setup/Tags", () => {
  for (const [baseUrl, isLocal] of [
    ["https://edge.example/a&b", false],
    ["https://localhost.example", false],
    ["http://192.168.0.7:8080", false],
    ["http://localhost:8080", true],
    ["http://127.0.0.1:8080", true],
    ["http://[::1]:8080", true]
  ] as const) {
    it(`the console and the command line have the same tags for ${baseUrl}`, () => {
      const { chat, trackingToken, websiteConfigId } = given
      const tags = Snippet.tagsOf({ baseUrl, ...given })
      assert.deepStrictEqual(tags, {
        tracker: Tags.tracker(baseUrl, trackingToken),
        form: Tags.form(baseUrl, websiteConfigId),
        chat: Tags.chat(baseUrl, chat.instanceId, chat.token)
      })
      assert.strictEqual(tags.tracker.includes(" data-local>"), isLocal)
    })
  }
})

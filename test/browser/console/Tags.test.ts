/**
 * The tags that the console shows are those that the command line prints.
 */
import { assert, it } from "@effect/vitest"
import * as Tags from "../../../src/browser/console/setup/Tags.ts"
import * as Snippet from "../../../src/cli/commands/Snippet.ts"

it("the console and the command line have the same tags", () => {
  const given = {
    baseUrl: "https://edge.example/a&b",
    trackingToken: "d3b07384-d113-4ec5-a5ec-9b1f2d3c4e5f",
    websiteConfigId: "0f8fad5b-d9cb-469f-a165-70867728950e",
    chat: { instanceId: "6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11", token: 'hwt_<">' }
  }
  const { baseUrl, chat, trackingToken, websiteConfigId } = given
  assert.deepStrictEqual(Snippet.tagsOf(given), {
    tracker: Tags.tracker(baseUrl, trackingToken),
    form: Tags.form(baseUrl, websiteConfigId),
    chat: Tags.chat(baseUrl, chat.instanceId, chat.token)
  })
})

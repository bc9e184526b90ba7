/** The HTML in the guides is what the command line prints. */
import { assert, describe, it } from "@effect/vitest"
import * as Snippet from "../../src/cli/commands/Snippet.ts"
import * as Documents from "./Documents.ts"

describe("website and chat: the HTML", () => {
  it("is what `site snippet` prints", () => {
    for (const [file, baseUrl, index] of [
      ["src/docs/website.md", "https://edge.example", 0],
      ["src/docs/website.md", "https://edge.example", 2],
      ["src/docs/website.md", "/hc", 3],
      ["src/docs/chat.md", "https://edge.example", 0]
    ] as const) {
      const block = Documents.blocksOf(file).filter(({ language }) => language === "html")[index]
      const page = Snippet.page(
        {
          baseUrl,
          trackingToken: "<tracking_token>",
          websiteConfigId: "<website_config_id>",
          chat: { instanceId: "<instance_id>", token: "TOKEN" }
        },
        false
      )
      const lines = (block?.text ?? "").replace("<widget_token>", "TOKEN").split("\n")
      for (const line of lines.filter((line) => !line.includes("..."))) assert.include(page, line)
    }
  })
})

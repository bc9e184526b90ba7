import { assert, describe, it } from "@effect/vitest"
import * as InvitationMail from "../../../src/delivery/mail/InvitationMail.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import { id } from "../../support/Ids.ts"

const url = "https://edge.example/v1/public/mail/confirm/token"

describe("delivery/mail/InvitationMail", () => {
  it("the website's name is truncated, so that it cannot carry another message", () => {
    const name = `Claim your prize\r\nBcc: eve@example.com ${"https://evil.example/ ".repeat(20)}`
    const content = InvitationMail.confirmationContent(
      { websiteConfigId: id(WebsiteConfigId, "a"), name, timeZone: "UTC" },
      url
    )
    assert.isAtMost(content.subject.length, 80)
    assert.isAtMost(content.website.length, 40)
    assert.notInclude(JSON.stringify(content), "evil.example")
    assert.notMatch(content.subject, /[\r\n]/)
    assert.isNull(content.replyTo)
    assert.deepStrictEqual(
      content.parts.flatMap((part) => (part.kind === "button" ? [part.href] : [])),
      [url]
    )
  })
})

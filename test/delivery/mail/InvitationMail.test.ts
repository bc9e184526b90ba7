import { assert, describe, it } from "@effect/vitest"
import { htmlBody } from "../../../src/delivery/mail/Compose.ts"
import * as InvitationMail from "../../../src/delivery/mail/InvitationMail.ts"

const contentOf = (websites: ReadonlyArray<string> | null, title: "invitation" | "confirmation" = "invitation") =>
  InvitationMail.content({
    title,
    websites,
    role: "viewer",
    url: "https://edge.example/console",
    expires: "today"
  })

const subjectOf = (websites: ReadonlyArray<string> | null) => contentOf(websites).subject

describe("delivery/mail/InvitationMail", () => {
  it("the subject names the first website and counts the others", () => {
    assert.strictEqual(subjectOf(null), "Invitation to the console of all websites")
    assert.strictEqual(subjectOf(["Harbour Tours"]), "Invitation to the console of Harbour Tours")
    assert.strictEqual(subjectOf(["Harbour Tours", "B", "C"]), "Invitation to the console of Harbour Tours and 2 more")
  })

  it("the words that a list of mails shows end with a word", () => {
    const html = htmlBody(contentOf(["Harbour Tours", "B", "C"]), null)
    const shown = /<div style="display:none[^>]*>(.*)<\/div>/.exec(html)?.[1] ?? ""
    assert.match(shown, /^The console shows the visitors, .* (You can read the statistics,|submissions) \S*…$/)
  })

  it("the line above the title begins with a capital if it is about all websites", () => {
    assert.deepStrictEqual(
      [contentOf(null), contentOf(null, "confirmation"), contentOf(["harbour tours"])].map(({ website }) => website),
      ["All websites", "All websites", "harbour tours"]
    )
  })

  it("the websites' names are truncated, so that they cannot carry another message", () => {
    const names = Array.from({ length: 9 }, (_, index) =>
      `${index} Claim your prize at https://evil.example/ `.repeat(9)
    )
    const { parts, subject, website } = InvitationMail.content({
      title: "invitation",
      websites: names,
      role: "owner",
      url: "https://edge.example/console",
      expires: "today"
    })
    assert.isAtMost(subject.length, 90)
    assert.isAtMost(website.length, 140)
    assert.notInclude(JSON.stringify([parts, subject, website]), "3 Claim")
    assert.notInclude(JSON.stringify([parts, subject, website]), "evil.example/ 0")
  })
})

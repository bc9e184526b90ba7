/**
 * The automatic replies of forms over HTTP and on the command line.
 */
import { assert, it, layer } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { makeMemory } from "../../../src/delivery/mail/Mailer.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { locationsOf, opened } from "../../support/OwnerSession.ts"
import { run } from "../../support/TestCli.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import { site as cliSite, onPostgres } from "../../support/TestStorage.ts"

const mail = Option.some({
  mailer: makeMemory([]),
  sender: {
    from: { name: "Edge", address: "mail@edge.example" },
    publicUrl: "https://edge.example",
    consoleUrl: null,
    secretsKey: Redacted.make<Uint8Array>(new Uint8Array(32))
  }
})

const path = "/forms/auto-replies"

const body = { page: "contact", subject: "Thank you", text: "Hello {name}", reply_to: "owner@shop.example" }

layer(testServer({}, undefined, undefined, mail), { excludeTestServices: true })("automatic replies", (it) => {
  it.effect("are set, listed and deleted by form, and only by an owner", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      assert.deepStrictEqual(JSON.parse((yield* request("GET", path)).text), { auto_replies: [], can_send: true })
      const put = yield* request("PUT", path, body)
      assert.strictEqual(put.status, 200)
      assert.deepInclude(JSON.parse(put.text), body)
      assert.deepStrictEqual(JSON.parse((yield* request("GET", path)).text).auto_replies, [JSON.parse(put.text)])
      const { url } = yield* TestServer
      const cookie = yield* newCookie("viewer", [site.websiteConfigId])
      const refused = yield* send(url, `/v1/owner/sites/${site.websiteConfigId}${path}`, {
        cookie,
        body,
        init: { method: "PUT" }
      })
      assert.strictEqual(refused.status, 404)
      assert.strictEqual((yield* request("DELETE", `${path}?page=contact`)).status, 204)
      assert.strictEqual((yield* request("DELETE", `${path}?page=contact`)).status, 404)
    })
  )

  it.effect("an invalid one is refused with the location of its error", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      for (const [invalid, location] of [
        [{ ...body, page: "" }, "body.page"],
        [{ ...body, subject: "Hello\r\nBcc: eve@evil.example" }, "body.subject"],
        [{ ...body, text: " " }, "body.text"],
        [{ ...body, reply_to: "owner@shop.example\nBcc: eve@evil.example" }, "body.reply_to"]
      ] as const) {
        const answer = yield* request("PUT", path, invalid)
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [location]])
      }
    })
  )
})

layer(testServer(), { excludeTestServices: true })("automatic replies without a mail server", (it) => {
  it.effect("are refused, with what the operator must set", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      assert.isFalse(JSON.parse((yield* request("GET", path)).text).can_send)
      const refused = yield* request("PUT", path, body)
      assert.strictEqual(refused.status, 422)
      assert.include(refused.text, "SMTP_URL")
    })
  )
})

it.effect("form reply set, list and delete", () =>
  Effect.gen(function* () {
    const services = Layer.succeedContext(yield* Layer.build(onPostgres))
    const form = ["--site", cliSite.websiteConfigId, "--page", "contact"]
    const flags = [...form, "--subject", body.subject, "--text", body.text, "--reply-to", body.reply_to]
    const without = yield* run(["form", "reply", "set", ...flags], services)
    assert.deepInclude(without, { code: 1, stdout: "" })
    assert.include(without.stderr, "SMTP_URL")
    const set = yield* run(["form", "reply", "set", ...flags, "--json"], services, { mail })
    assert.deepInclude(JSON.parse(set.stdout), body)
    const listed = yield* run(["form", "reply", "list", "--site", cliSite.websiteConfigId], services, { mail })
    assert.match(listed.stdout, /contact\s+Thank you\s+owner@shop\.example/)
    assert.deepInclude(yield* run(["form", "reply", "delete", ...form], services), { code: 0 })
    const again = yield* run(["form", "reply", "delete", ...form], services)
    assert.include(again.stderr, "The form contact has no automatic reply")
  }).pipe(Effect.scoped)
)

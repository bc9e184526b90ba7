/**
 * `GET /`: a page for browsers, and a 404 for programs.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { get } from "../support/RawResponses.ts"
import { layer as testServer } from "../support/TestServer.ts"

const browser = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" }

for (const console of [true, false]) {
  layer(testServer({ console }), { excludeTestServices: true })(
    console ? "with the console" : "without the console",
    (it) => {
      it.effect("a browser gets a page with links, and a program gets a 404", () =>
        Effect.gen(function* () {
          const page = yield* get("/", browser)
          assert.strictEqual(page.status, 200)
          assert.strictEqual(page.headers["content-type"], "text/html; charset=utf-8")
          assert.match(`${page.headers["content-security-policy"]}`, /default-src 'none'.*frame-ancestors 'none'/)
          assert.match(`${page.headers["vary"]}`, /\bAccept,/)
          const html = page.bytes.toString()
          assert.include(html, 'href="/docs"')
          assert.strictEqual(html.includes('href="/console/"'), console)
          assert.notInclude(html, 'href="/demo"')
          const unknown = yield* get("/nothing")
          for (const accept of [{}, { accept: "*/*" }, { accept: "application/json" }]) {
            const program = yield* get("/", accept)
            assert.strictEqual(program.status, 404)
            assert.strictEqual(program.bytes.toString(), unknown.bytes.toString())
          }
          assert.strictEqual((yield* get("/", {}, "POST")).status, 404)
        })
      )

      it.effect("a browser gets a page with links at an unknown path outside the API, and a program gets JSON", () =>
        Effect.gen(function* () {
          const paths = ["/nothing", "/favicon.ico", "/docs/nothing", "/%64ocs", "/docs;x", "/console/nothing", "/v1"]
          for (const path of paths) {
            const page = yield* get(path, browser)
            assert.strictEqual(page.status, 404, path)
            assert.strictEqual(page.headers["content-type"], "text/html; charset=utf-8", path)
            assert.match(`${page.headers["content-security-policy"]}`, /default-src 'none'.*frame-ancestors 'none'/)
            assert.match(`${page.headers["vary"]}`, /\bAccept\b/)
            const html = page.bytes.toString()
            assert.include(html, "There is nothing at this address")
            assert.include(html, 'href="/docs"')
            assert.strictEqual(html.includes('href="/console/"'), console)
            assert.notInclude(html, "nothing<")
            const program = yield* get(path, { accept: "*/*" })
            assert.strictEqual(program.status, 404, path)
            assert.strictEqual(program.headers["content-type"], "application/json", path)
            assert.match(`${program.headers["vary"]}`, /\bAccept\b/)
            const head = yield* get(path, browser, "HEAD")
            assert.deepStrictEqual([head.status, head.bytes.length], [404, 0], path)
          }
          for (const path of ["/v1/nothing", "/v1/public/nothing", "/v1/owner/nothing"]) {
            const answer = yield* get(path, browser)
            assert.deepStrictEqual([answer.status, answer.headers["content-type"]], [404, "application/json"], path)
          }
          const sent = yield* get("/nothing", browser, "POST")
          assert.deepStrictEqual([sent.status, sent.headers["content-type"]], [404, "application/json"])
        })
      )
    }
  )
}

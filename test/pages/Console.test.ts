/**
 * The size of the console, and how it is served.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Console from "../../src/pages/Console.ts"
import { decoders, get } from "../support/RawResponses.ts"
import { layer as testServer } from "../support/TestServer.ts"

/** Bytes of the first view, gzipped. */
const budget = 90_000

const folder = "/console/"

const files = Effect.map(Effect.promise(Console.read), ({ named, page }) => {
  const html = Buffer.from(page.bytes.identity).toString()
  // The style sheet, the first script, and the scripts that it imports.
  const first = [...html.matchAll(/(?:href|src)="\/console\/([^"]+)"/g)].map(([, name = ""]) => name)
  return { first, named, page, html }
})

layer(testServer({ console: true }), { excludeTestServices: true })("the console's files", (it) => {
  it.effect(`the first view is at most ${budget} bytes gzipped`, () =>
    Effect.map(files, ({ first, named, page }) => {
      const sizes = first.map((name) => named.get(name)!.bytes.gzip.length)
      assert.isAtLeast(sizes.length, 2)
      assert.isAtMost(
        sizes.reduce((sum, size) => sum + size, page.bytes.gzip.length),
        budget
      )
    })
  )

  it.effect("browsers check the page for a new version each time, and keep the files that it loads", () =>
    Effect.gen(function* () {
      const { html, named } = yield* files
      for (const path of ["/console", "/console/"]) {
        const page = yield* get(path, { "accept-encoding": "br" })
        assert.strictEqual(page.status, 200)
        assert.strictEqual(page.headers["content-type"], "text/html; charset=utf-8")
        assert.strictEqual(page.headers["cache-control"], "no-cache")
        const policy = String(page.headers["content-security-policy"])
        assert.match(
          policy,
          /^default-src 'none'; script-src 'self' 'sha256-[^' ]+'; style-src 'self'; connect-src 'self';/
        )
        assert.include(policy, "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
        assert.strictEqual(page.headers["referrer-policy"], "no-referrer")
        assert.strictEqual(decoders.br(page.bytes).toString(), html)
        const again = yield* get(path, { "accept-encoding": "br", "if-none-match": `${page.headers.etag}` })
        assert.strictEqual(again.status, 304)
      }
      for (const [name, content] of named) {
        const file = yield* get(`${folder}${name}`)
        assert.strictEqual(file.status, 200)
        assert.strictEqual(
          file.headers["content-type"],
          `text/${name.endsWith(".css") ? "css" : "javascript"}; charset=utf-8`
        )
        assert.strictEqual(file.headers["cache-control"], "public, max-age=31536000, immutable")
        assert.isTrue(file.bytes.equals(content.bytes.identity))
      }
    })
  )

  it.effect("an unknown file gets a 404 that is not cached", () =>
    Effect.gen(function* () {
      for (const name of ["console-00000000.js", "..%2fMain.tsx", "__proto__"]) {
        const answer = yield* get(`${folder}${name}`)
        assert.strictEqual(answer.status, 404, name)
      }
      assert.strictEqual((yield* get("/console/console-00000000.js")).headers["cache-control"], "no-store")
      assert.strictEqual((yield* get("/console/", {}, "POST")).status, 405)
    })
  )
})

layer(testServer({ console: false }), { excludeTestServices: true })("a server without the console", (it) => {
  it.effect("has no page at /console", () =>
    Effect.map(get("/console/"), ({ status }) => assert.strictEqual(status, 404))
  )
})

/**
 * The size of the scripts that websites load, and how they are served.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Built from "../../src/pages/Built.ts"
import { decoders, get } from "../support/RawResponses.ts"
import { layer as testServer } from "../support/TestServer.ts"

const bundle = (name: Built.Script) => Effect.promise(() => Built.script(name))

/** Bytes, gzipped. */
const budgets: Readonly<Record<Built.Script, number>> = {
  embed: 1_099,
  events: 1_024,
  forms: 4096,
  "forms-faults": 1_024,
  "forms-style": 1_024,
  chat: 3_000,
  "chat-panel": 18_000
}

layer(testServer(), { excludeTestServices: true })("scripts", (it) => {
  for (const name of Built.scripts) {
    describe(Built.fileName(name), () => {
      it.effect(`is at most ${budgets[name]} bytes gzipped`, () =>
        Effect.map(bundle(name), ({ bytes }) => {
          assert.isAtMost(bytes.gzip.length, budgets[name])
          assert.isAtMost(bytes.br.length, bytes.gzip.length)
        })
      )

      it.effect("has the same content in every coding, also for pages on other origins, with one ETag per coding", () =>
        Effect.gen(function* () {
          const { bytes } = yield* bundle(name)
          const tags = new Set<string | undefined>()
          for (const coding of ["br", "gzip", "identity"] as const) {
            const answer = yield* get(`/v1/public/${Built.fileName(name)}`, {
              "accept-encoding": coding,
              origin: "https://shop.test"
            })
            assert.strictEqual(answer.status, 200)
            assert.strictEqual(answer.headers["content-encoding"], coding === "identity" ? undefined : coding)
            assert.isTrue(decoders[coding](answer.bytes).equals(bytes.identity))
            assert.strictEqual(answer.headers["content-length"], `${answer.bytes.length}`)
            assert.strictEqual(
              answer.headers["content-type"],
              Built.isStyle(name) ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8"
            )
            assert.strictEqual(answer.headers["access-control-allow-origin"], "*")
            assert.strictEqual(answer.headers["cross-origin-resource-policy"], "cross-origin")
            assert.strictEqual(answer.headers["x-content-type-options"], "nosniff")
            assert.strictEqual(answer.headers.vary, "Accept-Encoding")
            assert.match(`${answer.headers["cache-control"]}`, /^public, max-age=300\b/)
            assert.match(`${answer.headers.etag}`, /^"[0-9a-f]{8}(-br|-gzip)?"$/)
            tags.add(answer.headers.etag)

            const again = yield* get(`/v1/public/${Built.fileName(name)}`, {
              "accept-encoding": coding,
              "if-none-match": `"other", W/${answer.headers.etag}`
            })
            assert.strictEqual(again.status, 304)
            assert.strictEqual(again.bytes.length, 0)
            assert.strictEqual(again.headers.etag, answer.headers.etag)
            assert.strictEqual(again.headers["cache-control"], answer.headers["cache-control"])
            assert.strictEqual(again.headers.vary, answer.headers.vary)
            assert.strictEqual(again.headers["access-control-allow-origin"], "*")

            const head = yield* get(`/v1/public/${Built.fileName(name)}`, { "accept-encoding": coding }, "HEAD")
            assert.strictEqual(head.status, 200)
            assert.strictEqual(head.bytes.length, 0)
            assert.strictEqual(head.headers["content-length"], answer.headers["content-length"])
            assert.strictEqual(head.headers.etag, answer.headers.etag)
          }
          assert.strictEqual(tags.size, 3)
          const other = yield* get(`/v1/public/${Built.fileName(name)}`, { "if-none-match": `"0"` })
          assert.strictEqual(other.status, 200)
        })
      )

      it.effect("is immutable under its hash, and short-lived under another hash", () =>
        Effect.gen(function* () {
          const { bytes, hash } = yield* bundle(name)
          const current = yield* get(`/v1/public/${Built.fileName(name, hash)}`)
          assert.strictEqual(current.headers["cache-control"], "public, max-age=31536000, immutable")
          assert.isTrue(current.bytes.equals(bytes.identity))
          const former = yield* get(`/v1/public/${Built.fileName(name, "00000000")}`)
          assert.strictEqual(former.status, 200)
          assert.match(`${former.headers["cache-control"]}`, /^public, max-age=300\b/)
          assert.isTrue(former.bytes.equals(bytes.identity))
        })
      )

      it.effect("refuses other methods, and similar paths are 404", () =>
        Effect.gen(function* () {
          for (const path of [`/v1/public/${Built.fileName(name)}`, `/v1/public/${Built.fileName(name, "00000000")}`]) {
            const answer = yield* get(path, {}, "POST")
            assert.strictEqual(answer.status, 405)
            assert.strictEqual(answer.headers["allow"], "GET, HEAD, OPTIONS")
          }
          for (const path of [
            `/v1/public/${name}.ts`,
            `/v1/public/${Built.fileName(name)}/`,
            `/v1/public/${Built.fileName(name, "")}`,
            `/v1/public/${Built.fileName(name, "0000000g")}`,
            `/v1/public/${Built.fileName(name, "000000000")}`,
            `/v1/public/x${Built.fileName(name)}`
          ]) {
            assert.strictEqual((yield* get(path)).status, 404, path)
          }
        })
      )
    })
  }

  it.effect("forms.css is under 2,000 bytes even without a coding", () =>
    Effect.map(bundle("forms-style"), ({ bytes }) => assert.isBelow(bytes.identity.length, 2_000))
  )

  for (const [name, loaded] of [
    ["embed", "forms"],
    ["forms", "forms-faults"],
    ["forms", "forms-style"],
    ["chat", "chat-panel"]
  ] as const) {
    it.effect(`${Built.fileName(name)} loads the current version of ${Built.fileName(loaded)}`, () =>
      Effect.gen(function* () {
        const { hash } = yield* bundle(loaded)
        const { bytes } = yield* bundle(name)
        assert.include(Buffer.from(bytes.identity).toString("utf8"), Built.fileName(loaded, hash))
      })
    )
  }
})

/**
 * The published contract's goldens: each request, and what its answer must agree in.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { HTTPValidationError } from "../../src/contract/Errors.ts"
import * as TestServer from "../support/TestServer.ts"
import goldens from "./goldens.json" with { type: "json" }

const Golden = Schema.Struct({
  name: Schema.String,
  path: Schema.String,
  body: Schema.String,
  headers: Schema.Record(Schema.String, Schema.String),
  status: Schema.Int,
  detail: Schema.NullOr(
    Schema.Array(Schema.Struct({ type: Schema.String, loc: Schema.Array(Schema.Unknown), msg: Schema.String }))
  )
})

interface Fault {
  readonly type: string
  readonly loc: ReadonlyArray<unknown>
  readonly msg: string
}

/** What counts of a fault: of a parser's own words and offsets only as much as the contract says. */
const essence = ({ loc, msg, type }: Fault): string =>
  JSON.stringify({
    type,
    loc: type === "json_invalid" ? loc.slice(0, 1) : loc,
    msg: type === "uuid_parsing" ? msg.slice(0, "Input should be a valid UUID".length) : msg
  })

const cases = Schema.decodeUnknownSync(Schema.Array(Golden))(goldens)

layer(TestServer.layer(), { excludeTestServices: true })("wire/goldens", (it) => {
  it("are all here", () => assert.strictEqual(cases.length, 169))

  for (const golden of cases) {
    it.effect(`${golden.path.split("/").at(-1)}: ${golden.name.slice(0, 80)}`, () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        // A UTF-8 body without a content type is sent as bytes: fetch would name one for a string.
        const answer = yield* Effect.promise(() =>
          fetch(server.url + golden.path, {
            method: "POST",
            headers: golden.headers,
            body: new TextEncoder().encode(golden.body)
          })
        )
        const text = yield* Effect.promise(() => answer.text())
        if (golden.status === 422) {
          assert.strictEqual(answer.status, 422, text)
          const { detail } = Schema.decodeUnknownSync(Schema.fromJsonString(HTTPValidationError))(text)
          assert.deepStrictEqual(detail.map(essence).sort(), (golden.detail ?? []).map(essence).sort())
        } else {
          // The body is valid: what follows depends on what there is.
          const allowed = golden.path.includes("/widget/") ? [200, 401] : [golden.status, 404]
          assert.include(allowed, answer.status, text)
        }
      })
    )
  }
})

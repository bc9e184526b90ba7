/**
 * The goldens of the published contract: each request, and the status and errors of its response.
 */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Context, Effect, Layer, Option, Result, Schema } from "effect"
import { HTTPValidationError } from "../../src/contract/Errors.ts"
import { parseUuid } from "../../src/core/text/Uuid.ts"
import { WidgetTokens } from "../../src/services/chat/WidgetTokens.ts"
import { storages } from "../support/Storages.ts"
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

interface ValidationError {
  readonly type: string
  readonly loc: ReadonlyArray<unknown>
  readonly msg: string
}

/** The part of an error that must be equal. The contract does not fix a parser's messages and offsets. */
const essence = ({ loc, msg, type }: ValidationError): string =>
  JSON.stringify({
    type,
    loc: type === "json_invalid" ? loc.slice(0, 1) : loc,
    msg: type === "uuid_parsing" ? msg.slice(0, "Input should be a valid UUID".length) : msg
  })

const cases = Schema.decodeUnknownSync(Schema.Array(Golden))(goldens)

/** The ids that the requests name. */
const instances = ["497f6eca-6276-4993-bfeb-53cbbbba6f08", "72771e6a-6f5e-4de4-a5b9-1266c4197811"]
const sites = ["72771e6a-6f5e-4de4-a5b9-1266c4197811", "ffffffff-ffff-ffff-ffff-ffffffffffff"]

/** A token of each instance. */
class Tokens extends Context.Service<Tokens, ReadonlyMap<string, string>>()("hydracore/test/wire/Tokens") {}

const issued = Layer.effect(
  Tokens,
  WidgetTokens.use((tokens) =>
    Effect.forEach(instances, (instanceId) =>
      Effect.map(
        tokens.issue({ instanceId, label: null, expiresAt: null }),
        (token) => [instanceId, Option.getOrThrow(token).token] as const
      )
    )
  ).pipe(
    Effect.map((pairs) => new Map(pairs)),
    Effect.orDie
  )
)

/** A header with a valid token of the request's instance. The goldens do not contain the tokens with which they were recorded. */
const tokenFor = (path: string) =>
  Effect.map(Tokens, (tokens): Record<string, string> => {
    const [, instanceId = ""] = /\/widget\/([^/]+)\//.exec(decodeURIComponent(path)) ?? []
    const id = parseUuid(instanceId)
    const token = Result.isSuccess(id) ? tokens.get(id.success) : undefined
    return token === undefined ? {} : { "x-widget-token": token }
  })

const suite = (it: Vitest.MethodsNonLive<TestServer.TestServer | Tokens>) => {
  it("there are 169 goldens", () => assert.strictEqual(cases.length, 169))

  for (const golden of cases) {
    it.effect(`${golden.path.split("/").at(-1)}: ${golden.name.slice(0, 80)}`, () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const headers = { ...golden.headers, ...(yield* tokenFor(golden.path)) }
        // As bytes, because `fetch` would add a content type to a string.
        const answer = yield* Effect.promise(() =>
          fetch(server.url + golden.path, { method: "POST", headers, body: new TextEncoder().encode(golden.body) })
        )
        const text = yield* Effect.promise(() => answer.text())
        assert.strictEqual(answer.status, golden.status, text)
        if (golden.status !== 422) return
        const { detail } = Schema.decodeUnknownSync(Schema.fromJsonString(HTTPValidationError))(text)
        assert.deepStrictEqual(detail.map(essence).sort(), (golden.detail ?? []).map(essence).sort())
      })
    )
  }
}

for (const [name, storage] of storages) {
  layer(Layer.provideMerge(issued, TestServer.layer({}, undefined, undefined, storage({ instances, sites }))), {
    excludeTestServices: true
  })(`wire/goldens ${name}`, suite)
}

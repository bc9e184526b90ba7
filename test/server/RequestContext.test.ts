import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as TestServer from "../support/TestServer.ts"

/** A route that lists what its context holds. */
const routes = HttpRouter.add(
  "GET",
  "/context",
  Effect.map(Effect.context<never>(), ({ mapUnsafe }) => HttpServerResponse.text([...mapUnsafe.keys()].join("\n")))
)

layer(TestServer.layer({ routes }))("the context of a request", (it) => {
  it.effect("holds few services, because the platform copies it for every request", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const text = yield* Effect.promise(async () => (await fetch(`${url}/context`)).text())
      const keys = text.split("\n")
      assert.include(keys, "effect/http/HttpServerRequest")
      assert.isBelow(keys.length, 30, text)
    })
  )
})

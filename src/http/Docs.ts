/**
 * `GET /docs`: a page that shows the contract and needs nothing from the internet. (`GET /openapi.json` comes with the
 * endpoints.)
 *
 * @module
 */
import { Effect, Scope } from "effect"
import { HttpRouter } from "effect/http"
import { Api } from "../contract/Api.ts"

export const openApiPath = "/openapi.json"
const docsPath = "/docs"

export const paths = [
  { method: "GET", path: openApiPath },
  { method: "GET", path: docsPath }
]

/** The page, with all that it is made of: 13 MB, which only a process that is asked for it shall hold. */
const page = Effect.promise(() => import("effect/http-api/HttpApiScalar")).pipe(
  Effect.flatMap((Scalar) =>
    HttpRouter.toHttpEffect(Scalar.layer(Api, { path: docsPath, scalar: { withDefaultFonts: false } }))
  )
)

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const scope = yield* Effect.scope
    const made = yield* Effect.cached(Effect.provideService(page, Scope.Scope, scope))
    yield* router.add("GET", docsPath, Effect.flatten(made))
  })
)

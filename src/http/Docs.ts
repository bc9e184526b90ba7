/**
 * `GET /docs`: a page that shows the contract and needs nothing from the internet. (`GET /openapi.json` comes with the
 * endpoints.)
 *
 * @module
 */
import { HttpApiScalar } from "effect/http-api"
import { Api } from "../contract/Api.ts"

export const openApiPath = "/openapi.json"
const docsPath = "/docs"

export const paths = [
  { method: "GET", path: openApiPath },
  { method: "GET", path: docsPath }
]

export const layer = HttpApiScalar.layer(Api, { path: docsPath, scalar: { withDefaultFonts: false } })

/**
 * The published document of the owner API. `openapi-owner.json` contains it; `vitest run test/wire --update` writes it.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import { Result } from "effect"
import { OpenApi } from "effect/http-api"
import * as QueryBody from "../../src/analytics/reports/QueryBody.ts"
import { OwnerApi } from "../../src/api/OwnerApi.ts"
import { ownerPrefix } from "../../src/platform/http/Routes.ts"

type Json = Record<string, unknown>
const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], value)

const document = OpenApi.fromApi(OwnerApi)

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods as Json).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation }))
)

describe("wire/OwnerOpenApi", () => {
  it("each operation declares the credentials that it accepts", () => {
    assert.isNotEmpty(operations)
    for (const { name, operation, path } of operations) {
      assert.isTrue(path.startsWith(ownerPrefix), name)
      const expected =
        ["post /v1/owner/session", "post /v1/owner/session/link", "post /v1/owner/shared/password"].includes(name) ||
        path === "/v1/owner/login"
          ? []
          : path.startsWith("/v1/owner/shared")
            ? [{ shareSecret: [] }]
            : [{ consoleSession: [] }, { localConsoleSession: [] }, { ownerKey: [] }]
      assert.deepStrictEqual(at(operation, "security"), expected, name)
    }
    const { scheme, type } = document.components.securitySchemes["ownerKey"] as unknown as Json
    assert.deepStrictEqual([type, scheme], ["http", "Bearer"])
    for (const [scheme, name] of [
      ["consoleSession", "__Host-hydracore_console"],
      ["localConsoleSession", "hydracore_console"]
    ] as const) {
      const cookie = document.components.securitySchemes[scheme] as unknown as Json
      assert.deepStrictEqual([cookie["type"], cookie["in"], cookie["name"]], ["apiKey", "cookie", name])
    }
  })

  // A website that the caller does not reach answers 404. A shared dashboard's viewer knows that it exists.
  it("each operation declares the responses that any request can get, with the headers of the rate limit, and no CORS", () => {
    for (const { name, operation, path } of operations) {
      const responses = at(operation, "responses") as Json
      const success = "204" in responses ? 204 : 200
      for (const status of [success, 400, 401, 405, 408, 413, 415, 417, 422, 429, 431, 500, 503]) {
        const headers = Object.keys(at(responses, String(status), "headers") as Json)
        assert.includeMembers(headers, ["Cache-Control", "RateLimit", "RateLimit-Policy"], `${name} ${status}`)
        assert.isFalse(
          headers.some((header) => header.startsWith("Access-Control")),
          `${name} ${status}`
        )
      }
      assert.isDefined(at(responses, "401", "headers", "WWW-Authenticate"))
      for (const status of ["429", "503"]) assert.isDefined(at(responses, status, "headers", "Retry-After"))
      if (!path.startsWith("/v1/owner/shared")) assert.isUndefined(responses["403"], name)
    }
  })

  it("declares no body for a request without one", () => {
    const empty = operations.filter(({ operation }) => {
      const content = at(operation, "requestBody", "content")
      return content !== undefined && Object.keys(content as Json).length === 0
    })
    assert.deepStrictEqual(empty, [])
  })

  it("has every header and schema that it refers to", () => {
    const references = JSON.stringify(document).match(/#\/components\/[^"]+/g) ?? []
    assert.isAbove(references.length, 20)
    for (const reference of references) {
      assert.isDefined(at(document, ...reference.slice(2).split("/")), reference)
    }
  })

  it("has an example of a query, which the endpoint accepts", () => {
    const example = at(
      document.paths,
      "/v1/owner/query",
      "post",
      "requestBody",
      "content",
      "application/json",
      "example"
    )
    assert.isTrue(Result.isSuccess(QueryBody.decode(example)))
  })

  it("equals the recorded document", async () => {
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot("./openapi-owner.json")
  })
})

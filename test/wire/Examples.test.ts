/** The examples in both OpenAPI documents. */
import { assert, describe, it } from "@effect/vitest"
import { OpenApi } from "effect/http-api"
import { Api } from "../../src/api/Api.ts"
import { OwnerApi } from "../../src/api/OwnerApi.ts"

interface Media {
  readonly example?: unknown
  readonly examples?: unknown
}

interface Operation {
  readonly parameters?: ReadonlyArray<{ readonly in: string; readonly name: string; readonly schema: object }>
  readonly requestBody?: { readonly content?: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>
}

const operationsOf = (document: OpenApi.OpenAPISpec) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method} ${path}`,
      operation: operation as unknown as Operation
    }))
  )

/** The media types that lack an example. An HTML page needs none. */
const lacking = (content: Readonly<Record<string, Media>> = {}): ReadonlyArray<string> =>
  Object.entries(content)
    .filter(([type, media]) => type !== "text/html" && media.example === undefined && media.examples === undefined)
    .map(([type]) => type)

for (const [name, document] of [
  ["the public API", OpenApi.fromApi(Api)],
  ["the owner API", OpenApi.fromApi(OwnerApi)]
] as const) {
  describe(`wire/Examples: ${name}`, () => {
    const operations = operationsOf(document)

    it("has an example of each body that a request or a success has", () => {
      const found = operations.flatMap(({ name, operation }) => [
        ...lacking(operation.requestBody?.content).map((type) => `${name}: request ${type}`),
        ...Object.entries(operation.responses)
          .filter(([status]) => status.startsWith("2"))
          .flatMap(([status, { content }]) => lacking(content).map((type) => `${name}: ${status} ${type}`))
      ])
      assert.isAbove(operations.length, 10)
      assert.deepStrictEqual(found, [])
    })

    it("has an example of each id in a path", () => {
      const ids = operations.flatMap(({ name, operation }) =>
        (operation.parameters ?? []).flatMap((parameter) =>
          parameter.in === "path" && "format" in parameter.schema && parameter.schema.format === "uuid"
            ? [{ name: `${name}: ${parameter.name}`, hasExample: "examples" in parameter.schema }]
            : []
        )
      )
      assert.isAbove(ids.length, 4)
      assert.deepStrictEqual(
        ids.filter(({ hasExample }) => !hasExample),
        []
      )
    })
  })
}

/**
 * The document that is published. `openapi.json` beside this file is how it reads; `vitest -u` writes it anew.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import { OpenApi } from "effect/http-api"
import { Api } from "../../src/contract/Api.ts"

type Json = Record<string, unknown>
const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], value)

const document = OpenApi.fromApi(Api)

/** What HydraCore publishes of its Public router. */
const published = {
  "/v1/public/analytics/track": {
    summary: "Track Analytics",
    description:
      "Record a page view event from a published website. Limited to 100 events a minute per IP. `site_id` is the public `tracking_token`; the server resolves it to the `hosted_website_id`.",
    statuses: ["204", "404", "413", "422", "429", "503"],
    required: ["site_id", "page_path"],
    fields: ["site_id", "page_path", "device_type", "referrer", "screen_width", "session_id"]
  },
  "/v1/public/forms/submit": {
    summary: "Submit Form",
    description:
      "Accept a form submission from a published website. Limited to 5 submissions a minute per IP. `site_id` is the `website_config_id`, the canonical external identity.",
    statuses: ["200", "404", "413", "422", "429", "503"],
    required: ["site_id", "form_data"],
    fields: ["site_id", "form_data", "email", "page_slug"]
  },
  "/v1/public/widget/{instance_id}/chat": {
    summary: "Widget Chat",
    description:
      "Public widget chat; authenticates with the `X-Widget-Token` header. Widget tokens are scoped to one instance and good for chat only. They are not tenant JWTs. The control plane validates the token, then streams SSE from the agent.",
    statuses: ["200", "401", "413", "422", "429", "502", "503", "504"],
    required: ["message"],
    fields: ["message", "conversation_id"]
  }
}

describe("wire/OpenApi", () => {
  it("is OpenAPI 3.1 with the three published paths, and nothing else", () => {
    assert.match(document.openapi, /^3\.1\./)
    assert.deepStrictEqual(Object.keys(document.paths), Object.keys(published))
  })

  for (const [path, expected] of Object.entries(published)) {
    it(`describes ${path} as published`, () => {
      const operation = at(document.paths, path, "post")
      assert.strictEqual(at(operation, "summary"), expected.summary)
      assert.strictEqual(at(operation, "description"), expected.description)
      assert.includeMembers(Object.keys(at(operation, "responses") as Json), expected.statuses)
      const reference = at(operation, "requestBody", "content", "application/json", "schema", "$ref") as string
      const schema = at(document.components.schemas, reference.split("/").at(-1)!)
      assert.deepStrictEqual(Object.keys(at(schema, "properties") as Json), expected.fields)
      assert.sameMembers(at(schema, "required") as Array<string>, expected.required)
      for (const [status, response] of Object.entries(at(operation, "responses") as Json)) {
        if (Number(status) < 400) continue
        const body = at(response, "content", "application/json", "schema", "$ref") as string
        const error = at(document.components.schemas, body.split("/").at(-1)!)
        assert.deepStrictEqual(Object.keys(at(error, "properties") as Json), ["detail"], status)
      }
    })
  }

  it("has the published bounds and the published shape of faults", () => {
    const { schemas } = document.components
    assert.strictEqual(at(schemas, "TrackAnalyticsRequest", "properties", "page_path", "maxLength"), 2048)
    assert.strictEqual(at(schemas, "SubmitFormRequest", "properties", "form_data", "maxProperties"), 50)
    assert.strictEqual(at(schemas, "WidgetChatRequest", "properties", "message", "maxLength"), 8000)
    assert.strictEqual(
      at(schemas, "HTTPValidationError", "properties", "detail", "items", "$ref"),
      "#/components/schemas/ValidationError"
    )
    assert.sameMembers(at(schemas, "ValidationError", "required") as Array<string>, ["loc", "msg", "type"])
  })

  it("reads as it did before", async () => {
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot("./openapi.json")
  })
})

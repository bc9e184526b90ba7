/**
 * The OpenAPI document of the edge. `openapi.json` beside this file contains it; `vitest -u` regenerates it.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { PageViewPayload } from "../../src/analytics/Api.ts"
import { Api } from "../../src/api/Api.ts"
import * as UseChat from "../../src/chat/UseChat.ts"
import { ChatPayload } from "../../src/chat/WidgetApi.ts"
import { SubmissionPayload } from "../../src/forms/Api.ts"

type Json = Record<string, unknown>
const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], value)

const document = OpenApi.fromApi(Api)

/** The published description of HydraCore's public router. */
const published = {
  "/v1/public/analytics/track": {
    summary: "Track Analytics",
    description:
      "Record a page view event from a published website. Limited to 100 events a minute per IP. `site_id` is the public `tracking_token`; the server resolves it to the `hosted_website_id`.",
    statuses: ["204", "403", "404", "422", "429", "503"],
    required: ["site_id", "page_path"],
    fields: ["site_id", "page_path", "device_type", "referrer", "screen_width", "session_id"]
  },
  "/v1/public/forms/submit": {
    summary: "Submit Form",
    description:
      "Accept a form submission from a published website. Limited to 5 submissions a minute per IP. `site_id` is the `website_config_id`, the canonical external identity.",
    statuses: ["200", "303", "403", "404", "422", "429", "503"],
    required: ["site_id", "form_data"],
    fields: ["site_id", "form_data", "email", "page_slug"]
  },
  "/v1/public/widget/{instance_id}/chat": {
    summary: "Widget Chat",
    description:
      "Public widget chat; authenticates with the `X-Widget-Token` header. Widget tokens are scoped to one instance and good for chat only. They are not tenant JWTs. The control plane validates the token, then streams SSE from the agent.",
    statuses: ["200", "401", "403", "422", "429", "502", "503", "504"],
    required: ["message"],
    fields: ["message", "conversation_id"]
  }
}

/** The statuses that any endpoint may answer with. */
const commonStatuses = ["400", "405", "408", "413", "417", "431", "500"]

const operations = Object.keys(published).map((path) => at(document.paths, path, "post"))

describe("wire/OpenApi", () => {
  it("declares no body for a request without one", () => {
    for (const path of Object.values(document.paths)) {
      for (const operation of Object.values(path as Json)) {
        const body = (operation as Json)["requestBody"]
        assert.isTrue(body === undefined || Object.keys(at(body, "content") as Json).length > 0)
      }
    }
  })

  it("is OpenAPI 3.1, and has exactly the published paths and those that the edge adds", () => {
    assert.match(document.openapi, /^3\.1\./)
    const instance = "/v1/public/widget/{instance_id}"
    assert.sameMembers(Object.keys(document.paths), [
      ...Object.keys(published),
      "/v1/public/view",
      "/v1/public/analytics/event",
      "/v1/public/mail/unsubscribe/{token}",
      "/v1/public/mail/confirm/{token}",
      ...["", "/stream", "/stop", "/feedback"].map((path) => `${instance}/chat/{conversation_id}${path}`),
      ...["/openai/v1/chat/completions", "/openai/v1/models", "/openai/v1/models/{model}", "/ag-ui", "/contact"].map(
        (path) => instance + path
      )
    ])
  })

  for (const [path, expected] of Object.entries(published)) {
    it(`describes ${path} as published`, () => {
      const operation = at(document.paths, path, "post")
      assert.strictEqual(at(operation, "summary"), expected.summary)
      assert.strictEqual(at(operation, "description"), expected.description)
      const responses = at(operation, "responses") as Json
      assert.sameMembers(Object.keys(responses), [...expected.statuses, ...commonStatuses])
      const body = at(operation, "requestBody", "content", "application/json", "schema")
      // The chat also takes the body of `useChat`.
      const [publishedBody] = (at(body, "anyOf") as ReadonlyArray<unknown> | undefined) ?? [body]
      const reference = at(publishedBody, "$ref") as string
      const schema = at(document.components.schemas, reference.split("/").at(-1)!)
      assert.deepStrictEqual(Object.keys(at(schema, "properties") as Json), expected.fields)
      assert.sameMembers(at(schema, "required") as Array<string>, expected.required)
      for (const [status, response] of Object.entries(responses)) {
        if (Number(status) < 400) continue
        const errorReference = at(response, "content", "application/json", "schema", "$ref") as string
        const error = at(document.components.schemas, errorReference.split("/").at(-1)!)
        assert.deepStrictEqual(Object.keys(at(error, "properties") as Json), ["detail"], status)
      }
    })
  }

  it("has the published bounds and the published shape of validation errors", () => {
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

  it("has every header and schema that it refers to, and no duplicates of schemas", () => {
    const references = JSON.stringify(document).match(/#\/components\/[^"]+/g) ?? []
    assert.isAbove(references.length, 50)
    for (const reference of references) {
      assert.isDefined(at(document, ...reference.slice(2).split("/")), reference)
    }
    assert.deepStrictEqual(
      Object.keys(document.components.schemas).filter((name) => name.endsWith("_1")),
      []
    )
  })

  it("has an example of each request, which the endpoint accepts", () => {
    const [track, submit, chat] = operations
    for (const type of ["application/json", "text/plain"]) {
      const example = (operation: unknown) => at(operation, "requestBody", "content", type, "example")
      const examples = at(chat, "requestBody", "content", type, "examples")
      assert.isTrue(Result.isSuccess(Schema.decodeUnknownResult(PageViewPayload)(example(track))), type)
      assert.isTrue(Result.isSuccess(Schema.decodeUnknownResult(SubmissionPayload)(example(submit))), type)
      assert.isTrue(
        Result.isSuccess(
          Schema.decodeUnknownResult(ChatPayload)(at(examples, "WidgetChatRequest", "value") ?? example(chat))
        ),
        type
      )
      if (examples !== undefined) assert.isTrue(Result.isSuccess(UseChat.read(at(examples, "UseChatRequest", "value"))))
    }
  })

  it("equals the recorded document", async () => {
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot("./openapi.json")
  })
})

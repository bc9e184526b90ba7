/**
 * Valid JSON for the bodies that the contract's schemas describe.
 *
 * @module
 */
import { Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { Api } from "../../../src/api/Api.ts"
import type { Random } from "./Random.ts"
import { anyJson } from "./Values.ts"

/** The part of an OpenAPI schema that is used here. */
interface Shape {
  readonly type?: string
  readonly format?: string
  readonly maxLength?: number
  readonly maxProperties?: number
  readonly anyOf?: ReadonlyArray<Shape>
}
const Shape: Schema.Codec<Shape> = Schema.Struct({
  type: Schema.optionalKey(Schema.String),
  format: Schema.optionalKey(Schema.String),
  maxLength: Schema.optionalKey(Schema.Int),
  maxProperties: Schema.optionalKey(Schema.Int),
  anyOf: Schema.optionalKey(Schema.Array(Schema.suspend((): Schema.Codec<Shape> => Shape)))
})
const Model = Schema.Struct({
  properties: Schema.Record(Schema.String, Shape),
  required: Schema.optionalKey(Schema.Array(Schema.String))
})
const models = Schema.decodeUnknownSync(
  Schema.Struct({
    TrackAnalyticsRequest: Model,
    SubmitFormRequest: Model,
    WidgetChatRequest: Model
  })
)(OpenApi.fromApi(Api).components?.schemas ?? {})

export type Endpoint = "track" | "submit" | "chat"

/** The body's schema of each endpoint, as the contract publishes it. */
export const modelOf = {
  track: models.TrackAnalyticsRequest,
  submit: models.SubmitFormRequest,
  chat: models.WidgetChatRequest
} as const

/** Random JSON text that matches a schema. A UUID in it is `id`. */
export const validJson = (shape: Shape, random: Random, id: string): string => {
  if (shape.anyOf !== undefined) return validJson(random.pick(shape.anyOf), random, id)
  if (shape.format === "uuid") return JSON.stringify(id)
  switch (shape.type) {
    case "string": {
      const text = random.pick([
        "/",
        "/a?b=c",
        "desktop",
        "Ada",
        "Grüße 🙂",
        "x".repeat(Math.min(shape.maxLength ?? 300, 2000))
      ])
      return JSON.stringify([...text].slice(0, shape.maxLength ?? text.length).join(""))
    }
    case "integer":
      return String(random.below(5_000))
    case "object":
      return `{${Array.from({ length: random.below(5) }, (_, index) => `"field ${index}":${anyJson(random)}`).join(",")}}`
    default:
      return "null"
  }
}

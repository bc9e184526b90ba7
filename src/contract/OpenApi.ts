/**
 * Brings the generated OpenAPI document to what is published. Pure.
 *
 * @module
 */
import { isJsonObject } from "./Wire.ts"

/** What is generated says that no other property may stand in an object; in fact unknown ones are ignored. */
const allowOtherProperties = (schema: Record<string, unknown>): Record<string, unknown> => {
  const { additionalProperties, ...rest } = schema
  return additionalProperties === false ? rest : schema
}

/** The bounds of a double's integers say nothing to a reader. */
const isDoubleBound = (key: string, value: unknown): boolean =>
  (key === "minimum" && value === Number.MIN_SAFE_INTEGER) || (key === "maximum" && value === Number.MAX_SAFE_INTEGER)

/** An event stream is text, whatever the bytes are generated from. */
const eventStream = { schema: { type: "string" } }

const tidy = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(tidy)
  if (!isJsonObject(value)) return value
  if ("text/event-stream" in value) return { "text/event-stream": eventStream }
  return Object.fromEntries(
    Object.entries(allowOtherProperties(value))
      .filter(([key, member]) => !isDoubleBound(key, member))
      .map(([key, member]) => [key, tidy(member)])
  )
}

/** The descriptions of the answers that succeed, by operation and status. */
const successes: Record<string, readonly [status: string, description: string]> = {
  track_analytics: ["204", "The page view is stored"],
  submit_form: ["200", "The submission is stored"],
  widget_chat: ["200", "The agent's answer: the UI message stream of the AI SDK, version 1, as server-sent events"]
}

const describeSuccess = (operation: Record<string, unknown>): Record<string, unknown> => {
  const success = successes[String(operation["operationId"])]
  const responses = operation["responses"]
  if (success === undefined || !isJsonObject(responses)) return operation
  const [status, description] = success
  const response = responses[status]
  return {
    ...operation,
    responses: { ...responses, [status]: { ...(isJsonObject(response) ? response : {}), description } }
  }
}

const describeOperations = (paths: unknown): unknown =>
  isJsonObject(paths)
    ? Object.fromEntries(
        Object.entries(paths).map(([path, methods]) => [
          path,
          isJsonObject(methods)
            ? Object.fromEntries(
                Object.entries(methods).map(([method, operation]) => [
                  method,
                  isJsonObject(operation) ? describeSuccess(operation) : operation
                ])
              )
            : methods
        ])
      )
    : paths

/** The document as it is published. */
export const asPublished = (document: Record<string, unknown>): Record<string, unknown> => {
  const tidied = tidy(document) as Record<string, unknown>
  return { ...tidied, paths: describeOperations(tidied["paths"]) }
}

/**
 * The words of an OpenAI-compatible runtime: what is asked, and what its answers mean. Pure; what cannot be read is told
 * in our words, never in the runtime's.
 *
 * @module
 */
import { Option, Result, Schema } from "effect"
import type { AgentEvent, AgentRequest, FinishReason } from "../core/chat/Agent.ts"

/**
 * Where completions are asked beneath a base address, which may end with slashes or already with `/v1`; a query is
 * kept. None if it is no http(s) address.
 */
export const endpoint = (agentUrl: string): Option.Option<URL> => {
  const url = URL.parse(agentUrl)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return Option.none()
  const base = url.pathname.replace(/\/+$/, "")
  url.pathname = base.endsWith("/v1") ? `${base}/chat/completions` : `${base}/v1/chat/completions`
  url.hash = ""
  return Option.some(url)
}

/** The request's body. A runtime that keeps conversations finds this one by `user`. */
export const body = ({ instance, session, turns }: AgentRequest) => ({
  ...(instance.agentModel === null ? {} : { model: instance.agentModel }),
  stream: true,
  user: session,
  messages: [
    ...(instance.instructions === null ? [] : [{ role: "system", content: instance.instructions }]),
    // UTF-8 has no lone surrogates, and many runtimes fail on them.
    ...turns.map(({ role, text }) => ({ role, content: text.toWellFormed() }))
  ]
})

/** The visitor's reason of a `finish_reason`. */
const finishReason = (reason: string): FinishReason => {
  switch (reason) {
    case "stop":
    case "length":
      return reason
    case "content_filter":
      return "content-filter"
    case "tool_calls":
    case "function_call":
      return "tool-calls"
    default:
      return "other"
  }
}

const optionalText = Schema.optional(Schema.NullOr(Schema.String))

/** What is read of a `chat.completion.chunk`; all else in it (roles, tools, reasoning, usage) is let pass. */
export const Chunk = Schema.Struct({
  error: Schema.optional(Schema.Unknown),
  choices: Schema.optional(
    Schema.NullOr(
      Schema.Array(
        Schema.Struct({
          delta: Schema.optional(Schema.NullOr(Schema.Struct({ content: optionalText }))),
          finish_reason: optionalText
        })
      )
    )
  )
})
export type Chunk = typeof Chunk.Type

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const isOptionalText = (value: unknown): boolean => value === undefined || value === null || typeof value === "string"

const isChoice = (value: unknown): boolean => {
  if (!isRecord(value) || Array.isArray(value) || !isOptionalText(value["finish_reason"])) return false
  const delta = value["delta"]
  if (delta === undefined || delta === null) return true
  return isRecord(delta) && !Array.isArray(delta) && isOptionalText(delta["content"])
}

/**
 * Whether a value of JSON is a `Chunk`. It says the same as the schema (a test holds them together) in a hundredth of the
 * time, and it is asked of every token.
 */
export const isChunk = (value: unknown): value is Chunk => {
  if (!isRecord(value) || Array.isArray(value)) return false
  const choices = value["choices"]
  return choices === undefined || choices === null || (Array.isArray(choices) && choices.every(isChoice))
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What is read of a whole `chat.completion`. */
const Whole = Schema.Struct({
  choices: Schema.NonEmptyArray(
    Schema.Struct({ message: Schema.Struct({ content: Schema.String }), finish_reason: optionalText })
  )
})
const decodeWhole = Schema.decodeUnknownResult(Schema.fromJsonString(Whole))

const stop: AgentEvent = { _tag: "Finish", reason: "stop" }

const said = (content: string | null | undefined, reason: string | null | undefined): ReadonlyArray<AgentEvent> => {
  const events: Array<AgentEvent> = []
  if (content) events.push({ _tag: "Text", delta: content })
  if (reason) events.push({ _tag: "Finish", reason: finishReason(reason) })
  return events
}

/**
 * What one event of the runtime's stream says: a text, an end, both in this order, or nothing. A failure is a reason for
 * the log.
 */
export const readEvent = (event: {
  readonly event: string
  readonly data: string
}): Result.Result<ReadonlyArray<AgentEvent>, string> => {
  if (event.data.trim() === "[DONE]") return Result.succeed([stop])
  if (event.event === "error") return Result.fail("the agent sent an error")
  const chunk = parse(event.data)
  if (!isChunk(chunk)) return Result.fail("the agent sent a frame that is no chat completion chunk")
  if (chunk.error !== undefined && chunk.error !== null) return Result.fail("the agent sent an error")
  const choice = chunk.choices?.[0]
  return Result.succeed(said(choice?.delta?.content, choice?.finish_reason))
}

/** What a whole answer says that was not streamed. None if it is no chat completion. */
export const readWhole = (text: string): Option.Option<ReadonlyArray<AgentEvent>> =>
  Option.map(Result.getSuccess(decodeWhole(text)), ({ choices: [choice] }) =>
    said(choice.message.content, choice.finish_reason || "stop")
  )

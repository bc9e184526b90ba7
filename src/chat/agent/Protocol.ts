/**
 * An agent protocol: how a request is made, and how its answer and its error codes are read. To add a protocol, write one file that exports an
 * `AgentProtocol`, and add one line to `AgentClient.ts`.
 *
 * The readers of events are our own, on Effect's parser of Server-Sent Events. `@ai-sdk/openai-compatible` 3.0 takes eight times
 * as long for a token, since it validates every chunk by a schema and pipes it through web streams, and it refuses shapes that are
 * not its provider's own, such as Mistral's content parts, while an instance's agent may be any compatible runtime. Effect's
 * `@effect/ai-*` packages are in beta.
 *
 * @module
 */
import { Predicate } from "effect"
import type { Sse } from "effect/encoding"
import type { AgentFinish, AgentRequest, ModelMessage } from "./Agent.ts"
import type { Answer } from "./Answer.ts"

export type Fields = Readonly<Record<string, unknown>>

const noFields: Fields = {}

/** Parses JSON; undefined if the text is not JSON. */
export const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The fields of an object; none for any other value. */
export const fields = (value: unknown): Fields => (Predicate.isObject(value) ? value : noFields)

/** The elements of an array; none for any other value. */
export const elements = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** A string; empty for any other value. */
export const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** A positive integer; zero for any other value. */
export const count = (value: unknown): number =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0

/** Reads the events of one answer's stream. Holds the state between events. */
export interface EventReader {
  /** Applies an event to `answer`. Reports an unknown event to `answer`, and ignores it. */
  readonly read: (event: Sse.Event, answer: Answer) => void
}

/** A message of a request. */
export interface RequestMessage {
  readonly role: ModelMessage["role"]
  readonly content: string
}

/** What every protocol sends of a request. */
export interface Common {
  /** Undefined if the instance names no model. */
  readonly model: string | undefined
  /** The maximum number of tokens of the answer; undefined if the request does not limit them. */
  readonly maxTokens: number | undefined
  readonly messages: ReadonlyArray<RequestMessage>
}

export interface AgentProtocol {
  /** The endpoint below the API's base, such as `chat/completions`. */
  readonly path: string
  /** The headers that carry the agent's key, unless the instance names a header for it. */
  readonly keyHeaders: (key: string) => Readonly<Record<string, string>>
  /** The protocol's own headers. */
  readonly headers: (request: AgentRequest) => Readonly<Record<string, string>>
  /** The request's body, before `JSON.stringify`. Members that are undefined are left out. */
  readonly body: (request: AgentRequest, common: Common) => Fields
  readonly makeReader: () => EventReader
  /** Applies an answer that was not streamed to `answer`. False if `body` is not an answer of this protocol. */
  readonly readWhole: (body: Fields, answer: Answer) => boolean
}

/** Applies a value of one type to the answer. */
type Apply = (value: Fields, answer: Answer) => void

/** Applies nothing. */
export const ignore: Apply = () => {}

/** A function for each type. Without `otherwise`, other types are ignored. */
export const byType = (
  functions: Readonly<Record<string, Apply>>,
  otherwise: (type: string) => Apply = () => ignore
): ((type: string) => Apply) => {
  const known = new Map(Object.entries(functions))
  return (type) => known.get(type) ?? otherwise(type)
}

/** Reports an event of an unknown type. */
export const unknown =
  (type: string): Apply =>
  (_, answer) =>
    answer.unknown(type)

/**
 * The data of an event as an object. `[DONE]` ends the answer: of Chat Completions, of Open Responses, and of GitHub Copilot in the
 * Messages protocol. Empty data is ignored; anything else is a fault of the answer.
 */
export const dataOf = ({ data: json }: Sse.Event, answer: Answer): Fields | undefined => {
  if (json.trim() === "[DONE]") {
    answer.done()
    return undefined
  }
  const data = parse(json)
  if (Predicate.isObject(data)) return data
  if (json.trim() !== "") answer.fail("the agent sent an event that is not a JSON object")
  return undefined
}

/** Applies an error object to `answer`. */
export const failWith = (error: unknown, answer: Answer): void => {
  answer.fail(`the agent sent an error${errorSuffix(errorCodeOf(error))}`)
}

/** Applies the error of an event without a type, as proxies send it. Any other such event is unknown. */
export const readUntyped: Apply = ({ error, object }, answer) => {
  if (Predicate.isObject(error) || typeof error === "string") failWith(error, answer)
  else answer.unknown(text(object))
}

const reasons: Readonly<Record<string, AgentFinish>> = {
  stop: "stop",
  eos: "stop",
  eos_token: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  complete: "stop",
  completed: "stop",
  normal: "stop",
  length: "length",
  model_length: "length",
  max_tokens: "length",
  max_output_tokens: "length",
  model_context_window_exceeded: "length",
  content_filter: "content-filter",
  error_toxic: "content-filter",
  refusal: "content-filter",
  safety: "content-filter",
  sensitive: "content-filter",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  tool_use: "tool-calls"
}

/** Reasons that mean a fault of the provider: the text before them is an incomplete answer. */
const faults: ReadonlySet<string> = new Set([
  "abort",
  "error",
  "error_limit",
  "insufficient_system_resource",
  "network_error",
  "timeout"
])

/** Applies a provider's finish reason, in any of the protocols. Gemini adds a detail: `content_filter: RECITATION`. */
export const finish = (reason: string, answer: Answer): void => {
  const word = reason.split(":", 1)[0]!.trim().toLowerCase()
  if (faults.has(word)) answer.fail(`the agent sent the finish reason ${word}`)
  else answer.finish(Object.hasOwn(reasons, word) ? reasons[word]! : "other")
}

/**
 * The shape of a code: words of letters. Anything else is not logged, because it could be a visitor's text, an id or a key that
 * the provider quotes.
 */
const shape = /^(?=.{3,64}$)[A-Za-z]+(?:[_.][A-Za-z]+)*$/

/** Anthropic and others name every error's object this way. */
const generic: ReadonlySet<string> = new Set(["error", "Error"])

const isCode = (value: unknown): value is string =>
  typeof value === "string" && shape.test(value) && !generic.has(value)

/**
 * The code of an error object: `{code, type, message}` in most protocols, with `status` for Google's. Undefined if it has none that may
 * be logged.
 */
export const errorCodeOf = (error: unknown): string | undefined =>
  Predicate.isObject(error) ? [error["code"], error["type"], error["status"]].find(isCode) : undefined

/** The code in the body of a refusal: of its `error`, or of the body itself. Google's body is an array. */
export const errorCodeIn = (body: string): string | undefined => {
  const parsed = parse(body)
  const value: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  return Predicate.isObject(value) ? (errorCodeOf(value["error"]) ?? errorCodeOf(value)) : undefined
}

/** The code in parentheses, to be added to a text; empty without a code. */
export const errorSuffix = (code: string | undefined): string => (code === undefined ? "" : ` (${code})`)

/**
 * The Chat Completions protocol of OpenAI, which most runtimes and providers support.
 *
 * @module
 */
import { Predicate } from "effect"
import type { Sse } from "effect/encoding"
import type { AgentRequest } from "../../core/chat/agent/Agent.ts"
import type { Answer } from "./Answer.ts"
import * as Json from "./Json.ts"
import * as Protocol from "./Protocol.ts"

/** OpenAI and Azure refuse `max_tokens` for newer models; many other runtimes know only `max_tokens`. */
const maxTokensName = ({ instance }: AgentRequest): string => {
  const host = URL.parse(instance.agentUrl)?.hostname ?? ""
  return host === "api.openai.com" || host.endsWith(".openai.azure.com") ? "max_completion_tokens" : "max_tokens"
}

const body = (request: AgentRequest) => {
  const { instance, session, messages, wantsUsage } = request
  return {
    ...Protocol.model(request),
    stream: true,
    // Some runtimes refuse unknown options, so usage is requested only if it is needed.
    ...(wantsUsage === true ? { stream_options: { include_usage: true } } : {}),
    ...(Protocol.isBounded(request) ? { [maxTokensName(request)]: instance.maxTokens } : {}),
    user: session,
    messages: [
      ...(instance.instructions === null ? [] : [{ role: "system", content: instance.instructions }]),
      ...Protocol.requestMessages(messages)
    ]
  }
}

/** The text of `thinking`: a string, or an array of parts, which Mistral sends. */
const thinkingText = (value: unknown): string =>
  typeof value === "string"
    ? value
    : Json.elements(value)
        .map((part) => Json.text(Json.fields(part)["text"]))
        .join("")

const readTypedPart = Protocol.byType({
  text: (part, answer) => answer.text(Json.text(part["text"])),
  output_text: (part, answer) => answer.text(Json.text(part["text"])),
  thinking: (part, answer) => answer.reasoning(thinkingText(part["thinking"])),
  reasoning: (part, answer) => answer.reasoning(Json.text(part["text"])),
  refusal: (part, answer) => answer.refusal(Json.text(part["refusal"])),
  tool_reference: (part, answer) => answer.source(Json.text(part["url"]), Json.text(part["title"]))
})

const readPart = (value: unknown, answer: Answer): void => {
  const part = Json.fields(value)
  if (typeof value === "string") answer.text(value)
  else readTypedPart(Json.text(part["type"]))(part, answer)
}

const readContent = (content: unknown, answer: Answer): void => {
  if (typeof content === "string") answer.text(content)
  else if (Array.isArray(content)) for (const part of content) readPart(part, answer)
  else if (Predicate.isObject(content) && typeof content["text"] === "string") answer.text(content["text"])
  else if (content !== undefined && content !== null) answer.fail("the agent sent content that is not text")
}

/** Reasoning has one of these names. A provider that uses two sends the same text in both. */
const reasoningOf = (delta: Json.Fields): string =>
  Json.text(delta["reasoning_content"]) || Json.text(delta["reasoning"]) || Json.text(delta["reasoning_text"])

/** Reads reasoning. OpenRouter sends summarized or encrypted reasoning only in `reasoning_details`. */
const readReasoning = (delta: Json.Fields, answer: Answer): void => {
  const reasoning = reasoningOf(delta)
  if (reasoning !== "") answer.reasoning(reasoning)
  else if (delta["reasoning_details"] !== undefined && Json.elements(delta["reasoning_details"]).length > 0)
    answer.reasoning("")
}

const readAnnotation = (value: unknown, answer: Answer): void => {
  const annotation = Json.fields(value)
  const citation = Predicate.isObject(annotation["url_citation"]) ? annotation["url_citation"] : annotation
  answer.source(Json.text(citation["url"]), Json.text(citation["title"]))
}

/** Only the first delta of a call has the call's name. Later deltas are skipped. */
const readToolCall = (value: unknown, position: number, answer: Answer): void => {
  const call = Json.fields(value)
  const name = Json.text(Json.fields(call["function"])["name"]) || Json.text(Json.fields(call["custom"])["name"])
  if (name !== "") answer.tool(Json.text(call["id"]) || `call-${call["index"] ?? position}`, name)
}

/** Reads a tool that Groq ran. A search also has its results here. */
const readExecutedTool = (value: unknown, position: number, answer: Answer): void => {
  const tool = Json.fields(value)
  const id = `executed-${tool["index"] ?? position}`
  answer.tool(id, Json.text(tool["type"]) || "tool")
  if (tool["output"] !== undefined && tool["output"] !== null) answer.toolDone(id)
  for (const result of Json.elements(Json.fields(tool["search_results"])["results"])) {
    const { title, url } = Json.fields(result)
    answer.retrieved(Json.text(url), Json.text(title))
  }
}

/** Reads a `delta`, or the `message` of an answer that was not streamed. */
const readMessage = (message: Json.Fields, answer: Answer): void => {
  readReasoning(message, answer)
  readContent(message["content"], answer)
  const { annotations, context, executed_tools, function_call, refusal, tool_calls } = message
  if (typeof refusal === "string") answer.refusal(refusal)
  if (annotations !== undefined) for (const one of Json.elements(annotations)) readAnnotation(one, answer)
  if (tool_calls !== undefined) {
    for (const [index, call] of Json.elements(tool_calls).entries()) readToolCall(call, index, answer)
  }
  // The older form of `tool_calls`.
  if (function_call !== undefined) readToolCall({ function: function_call }, 0, answer)
  if (executed_tools !== undefined) {
    for (const [index, tool] of Json.elements(executed_tools).entries()) readExecutedTool(tool, index, answer)
  }
  // Azure's "On Your Data".
  if (context !== undefined)
    for (const one of Json.elements(Json.fields(context)["citations"])) readAnnotation(one, answer)
}

/** Reads the sources that Perplexity, xAI and Zhipu send beside the choices. Perplexity repeats them with every token. */
const readSources = (chunk: Json.Fields, answer: Answer): void => {
  const { citations, search_results, web_search } = chunk
  // The results of Zhipu's search.
  if (web_search !== undefined) {
    for (const result of Json.elements(web_search)) {
      const { link, title } = Json.fields(result)
      answer.retrieved(Json.text(link), Json.text(title))
    }
  }
  if (search_results !== undefined) for (const one of Json.elements(search_results)) readAnnotation(one, answer)
  if (citations === undefined) return
  for (const citation of Json.elements(citations)) {
    if (typeof citation === "string") answer.source(citation, "")
    else readAnnotation(citation, answer)
  }
}

const readUsage = (usage: unknown, answer: Answer): void => {
  if (!Predicate.isObject(usage)) return
  const input = Json.count(usage["prompt_tokens"])
  // xAI counts reasoning only in the total.
  const output = Math.max(Json.count(usage["completion_tokens"]), Json.count(usage["total_tokens"]) - input)
  answer.usage(input, output)
}

const isNothing = (value: unknown): boolean => value === undefined || value === null || value === false || value === ""

const readChoice = (value: unknown, answer: Answer): void => {
  const choice = Json.fields(value)
  // If there are several choices, the first is the answer.
  if ((choice["index"] ?? 0) !== 0) return
  const { delta, error, finish_reason, message, text } = choice
  if (error !== undefined && !isNothing(error)) Protocol.failWith(error, answer)
  if (Predicate.isObject(delta)) readMessage(delta, answer)
  // The text of a chunk of OpenAI's older completions.
  else if (typeof text === "string") answer.text(text)
  // A message after deltas repeats their text, so it is read only if there was no text before it.
  if (message !== undefined && answer.isEmpty && Predicate.isObject(message) && !Json.fields(delta)["content"])
    readMessage(message, answer)
  if (typeof finish_reason === "string" && finish_reason !== "") Protocol.finish(finish_reason, answer)
}

/** Whether a code beside a `message` means an error. Gateways also send success codes: 0, 200 or `success`. */
const isErrorCode = (code: unknown): boolean => {
  if (isNothing(code)) return false
  const number = Number(code)
  return Number.isNaN(number) ? !/^(ok|success)/i.test(String(code)) : number !== 0 && (number < 100 || number > 399)
}

/**
 * The error of a chunk without choices: `error`, or the chunk itself, as `{object: "error"}` (vLLM), `{type: "error"}`,
 * `{code, message}` (DashScope, Spark), `{error_code, text}` (FastChat), `{detail}` (FastAPI) or `{base_resp}` (MiniMax).
 */
const errorOf = (chunk: Json.Fields): unknown => {
  const { base_resp, code, detail, error, error_code, message, object, type } = chunk
  if (!isNothing(error)) return error
  const isError =
    object === "error" ||
    type === "error" ||
    !isNothing(error_code) ||
    (typeof detail === "string" && object === undefined && type === undefined) ||
    (typeof message === "string" && isErrorCode(code)) ||
    Json.count(Json.fields(base_resp)["status_code"]) > 0
  return isError ? chunk : undefined
}

const readChunk = (chunk: Json.Fields, answer: Answer): void => {
  const { choices, error, usage } = chunk
  if (error !== undefined && !isNothing(error)) Protocol.failWith(error, answer)
  else if (Array.isArray(choices)) for (const choice of choices) readChoice(choice, answer)
  else if (choices !== undefined && choices !== null) answer.fail("the agent sent choices that are not a list")
  if (usage !== undefined) readUsage(usage, answer)
  readSources(chunk, answer)
}

/** Whether an event has a member of a chunk that is read. */
const isChunk = ({ choices, citations, error, search_results, usage, web_search }: Json.Fields): boolean =>
  [choices, citations, error, search_results, usage, web_search].some((value) => value !== undefined)

/** The name of an event that is not a chunk. */
const nameOf = ({ event }: Sse.Event, { object, type }: Json.Fields): string =>
  Json.text(type) || (event === "message" ? Json.text(object) : event)

const read = (event: Sse.Event, answer: Answer): void => {
  if (event.data.trim() === "[DONE]") answer.done()
  else if (event.event === "error") Protocol.failWith(Json.fields(Json.parse(event.data))["error"], answer)
  else if (event.event !== "ping") {
    const chunk = Protocol.dataOf(event, answer)
    if (chunk === undefined) return
    // A named event without choices is a runtime's own extension, such as the progress of a tool, and not an error.
    const failure = Array.isArray(chunk["choices"]) || event.event !== "message" ? undefined : errorOf(chunk)
    if (failure === undefined) {
      if (!isChunk(chunk)) answer.unknown(nameOf(event, chunk))
      readChunk(chunk, answer)
    } else Protocol.failWith(failure, answer)
  }
}

/** Matches the sessions that a header can hold. The body always has the session. */
const headerValue = /^[\x21-\x7e]+$/

export const protocol: Protocol.AgentProtocol = {
  path: "chat/completions",
  keyHeaders: (key) => ({ authorization: `Bearer ${key}` }),
  headers: ({ session }) => (headerValue.test(session) ? { "x-openclaw-session-key": session } : {}),
  body,
  makeReader: () => ({ read }),
  readWhole: (whole, answer) => {
    if (!Array.isArray(whole["choices"]) || whole["choices"].length === 0) return false
    readChunk(whole, answer)
    answer.done()
    return true
  }
}

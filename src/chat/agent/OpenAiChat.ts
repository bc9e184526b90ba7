/**
 * The Chat Completions protocol of OpenAI, which most runtimes and providers support.
 *
 * @module
 */
import { Predicate } from "effect"
import type { Sse } from "effect/encoding"
import type { AgentRequest } from "./Agent.ts"
import type { Answer } from "./Answer.ts"
import * as Protocol from "./Protocol.ts"

/** OpenAI and Azure refuse `max_tokens` for newer models; many other runtimes know only `max_tokens`. */
const maxTokensName = ({ instance }: AgentRequest): string => {
  const host = URL.parse(instance.agent_url)?.hostname ?? ""
  return host === "api.openai.com" || host.endsWith(".openai.azure.com") ? "max_completion_tokens" : "max_tokens"
}

const body: Protocol.AgentProtocol["body"] = (request, { maxTokens, messages, model }) => ({
  model,
  stream: true,
  // Some runtimes refuse unknown options, so usage is requested only if it is needed.
  stream_options: request.wantsUsage === true ? { include_usage: true } : undefined,
  [maxTokensName(request)]: maxTokens,
  user: request.session,
  messages: [
    ...(request.instance.instructions === null ? [] : [{ role: "system", content: request.instance.instructions }]),
    ...messages
  ]
})

/** Reads each element of a list. */
const eachOf =
  (read: (value: unknown, answer: Answer, position: number) => void) =>
  (list: unknown, answer: Answer): void => {
    for (const [position, value] of Protocol.elements(list).entries()) read(value, answer, position)
  }

/** The text of `thinking`: a string, or an array of parts, which Mistral sends. */
const thinkingText = (value: unknown): string =>
  typeof value === "string"
    ? value
    : Protocol.elements(value)
        .map((part) => Protocol.text(Protocol.fields(part)["text"]))
        .join("")

const readTypedPart = Protocol.byType({
  text: (part, answer) => answer.text(Protocol.text(part["text"])),
  output_text: (part, answer) => answer.text(Protocol.text(part["text"])),
  thinking: (part, answer) => answer.reasoning(thinkingText(part["thinking"])),
  reasoning: (part, answer) => answer.reasoning(Protocol.text(part["text"])),
  refusal: (part, answer) => answer.refusal(Protocol.text(part["refusal"])),
  tool_reference: (part, answer) => answer.source(Protocol.text(part["url"]), Protocol.text(part["title"]))
})

const readPart = (value: unknown, answer: Answer): void => {
  const part = Protocol.fields(value)
  if (typeof value === "string") answer.text(value)
  else readTypedPart(Protocol.text(part["type"]))(part, answer)
}

const readContent = (content: unknown, answer: Answer): void => {
  if (typeof content === "string") answer.text(content)
  else if (Array.isArray(content)) for (const part of content) readPart(part, answer)
  else if (Predicate.isObject(content) && typeof content["text"] === "string") answer.text(content["text"])
  else if (content !== undefined && content !== null) answer.fail("the agent sent content that is not text")
}

/** Reasoning has one of these names. A provider that uses two sends the same text in both. */
const reasoningOf = (delta: Protocol.Fields): string =>
  Protocol.text(delta["reasoning_content"]) ||
  Protocol.text(delta["reasoning"]) ||
  Protocol.text(delta["reasoning_text"])

/** Reads reasoning. OpenRouter sends summarized or encrypted reasoning only in `reasoning_details`. */
const readReasoning = (delta: Protocol.Fields, answer: Answer): void => {
  const reasoning = reasoningOf(delta)
  if (reasoning !== "") answer.reasoning(reasoning)
  else if (delta["reasoning_details"] !== undefined && Protocol.elements(delta["reasoning_details"]).length > 0)
    answer.reasoning("")
}

const readAnnotation = (value: unknown, answer: Answer): void => {
  const annotation = Protocol.fields(value)
  const citation = Predicate.isObject(annotation["url_citation"]) ? annotation["url_citation"] : annotation
  answer.source(Protocol.text(citation["url"]), Protocol.text(citation["title"]))
}

/** Only the first delta of a call has the call's name. Later deltas are skipped. */
const readToolCall = (value: unknown, answer: Answer, position: number): void => {
  const call = Protocol.fields(value)
  const name =
    Protocol.text(Protocol.fields(call["function"])["name"]) || Protocol.text(Protocol.fields(call["custom"])["name"])
  if (name !== "") answer.tool(Protocol.text(call["id"]) || `call-${call["index"] ?? position}`, name)
}

/** Reads a tool that Groq ran. A search also has its results here. */
const readExecutedTool = (value: unknown, answer: Answer, position: number): void => {
  const tool = Protocol.fields(value)
  const id = `executed-${tool["index"] ?? position}`
  answer.tool(id, Protocol.text(tool["type"]) || "tool")
  if (tool["output"] !== undefined && tool["output"] !== null) answer.toolDone(id)
  for (const result of Protocol.elements(Protocol.fields(tool["search_results"])["results"])) {
    const { title, url } = Protocol.fields(result)
    answer.retrieved(Protocol.text(url), Protocol.text(title))
  }
}

/** The members of a message that are read besides its content and its reasoning. */
const messageMembers: ReadonlyArray<readonly [member: string, read: (value: unknown, answer: Answer) => void]> = [
  ["refusal", (refusal, answer) => answer.refusal(Protocol.text(refusal))],
  ["annotations", eachOf(readAnnotation)],
  ["tool_calls", eachOf(readToolCall)],
  // The older form of `tool_calls`.
  ["function_call", (call, answer) => readToolCall({ function: call }, answer, 0)],
  // Groq
  ["executed_tools", eachOf(readExecutedTool)],
  // Azure's "On Your Data"
  ["context", (context, answer) => eachOf(readAnnotation)(Protocol.fields(context)["citations"], answer)]
]

/** Reads a `delta`, or the `message` of an answer that was not streamed. */
const readMessage = (message: Protocol.Fields, answer: Answer): void => {
  readReasoning(message, answer)
  readContent(message["content"], answer)
  for (const [member, read] of messageMembers) if (message[member] !== undefined) read(message[member], answer)
}

/** The members beside the choices that have an answer's sources. Perplexity repeats them with every token. */
const sourceMembers: ReadonlyArray<readonly [member: string, read: (source: unknown, answer: Answer) => void]> = [
  // Zhipu: what its search found.
  [
    "web_search",
    (source, answer) => {
      const { link, title } = Protocol.fields(source)
      answer.retrieved(Protocol.text(link), Protocol.text(title))
    }
  ],
  // Perplexity
  ["search_results", readAnnotation],
  // Perplexity and xAI: URLs. Others send objects.
  [
    "citations",
    (source, answer) => (typeof source === "string" ? answer.source(source, "") : readAnnotation(source, answer))
  ]
]

const readSources = (chunk: Protocol.Fields, answer: Answer): void => {
  for (const [member, read] of sourceMembers) {
    if (chunk[member] !== undefined) eachOf(read)(chunk[member], answer)
  }
}

const readUsage = (usage: unknown, answer: Answer): void => {
  if (!Predicate.isObject(usage)) return
  const input = Protocol.count(usage["prompt_tokens"])
  // xAI counts reasoning only in the total.
  const output = Math.max(Protocol.count(usage["completion_tokens"]), Protocol.count(usage["total_tokens"]) - input)
  answer.usage(input, output)
}

const isNothing = (value: unknown): boolean => value === undefined || value === null || value === false || value === ""

const readChoice = (value: unknown, answer: Answer): void => {
  const choice = Protocol.fields(value)
  // If there are several choices, the first is the answer.
  if ((choice["index"] ?? 0) !== 0) return
  const { delta, error, finish_reason, message, text } = choice
  if (error !== undefined && !isNothing(error)) Protocol.failWith(error, answer)
  if (Predicate.isObject(delta)) readMessage(delta, answer)
  // The text of a chunk of OpenAI's older completions.
  else if (typeof text === "string") answer.text(text)
  // A message after deltas repeats their text, so it is read only if there was no text before it.
  if (message !== undefined && answer.isEmpty && Predicate.isObject(message) && !Protocol.fields(delta)["content"])
    readMessage(message, answer)
  if (typeof finish_reason === "string" && finish_reason !== "") Protocol.finish(finish_reason, answer)
}

/** Whether a code beside a `message` means an error. Gateways also send success codes: 0, 200 or `success`. */
const isErrorCode = (code: unknown): boolean => {
  if (isNothing(code)) return false
  const number = Number(code)
  return Number.isNaN(number) ? !/^(ok|success)/i.test(String(code)) : number !== 0 && (number < 100 || number > 399)
}

/** The forms of an error that is not in the member `error`, by the runtime or provider that sends it. The error is the chunk. */
const errorForms: Readonly<Record<string, (chunk: Protocol.Fields) => boolean>> = {
  vLLM: ({ object }) => object === "error",
  Anthropic: ({ type }) => type === "error",
  FastChat: ({ error_code }) => !isNothing(error_code),
  FastAPI: ({ detail, object, type }) => typeof detail === "string" && object === undefined && type === undefined,
  DashScope: ({ code, message }) => typeof message === "string" && isErrorCode(code),
  MiniMax: ({ base_resp }) => Protocol.count(Protocol.fields(base_resp)["status_code"]) > 0
}

const isError = Object.values(errorForms)

/** The error of a chunk without choices; undefined if it is none. */
const errorOf = (chunk: Protocol.Fields): unknown => {
  if (!isNothing(chunk["error"])) return chunk["error"]
  return isError.some((isErrorOf) => isErrorOf(chunk)) ? chunk : undefined
}

const readChunk = (chunk: Protocol.Fields, answer: Answer): void => {
  const { choices, error, usage } = chunk
  if (error !== undefined && !isNothing(error)) Protocol.failWith(error, answer)
  else if (Array.isArray(choices)) for (const choice of choices) readChoice(choice, answer)
  else if (choices !== undefined && choices !== null) answer.fail("the agent sent choices that are not a list")
  if (usage !== undefined) readUsage(usage, answer)
  readSources(chunk, answer)
}

/** Whether an event has a member of a chunk that is read. */
const isChunk = ({ choices, citations, error, search_results, usage, web_search }: Protocol.Fields): boolean =>
  [choices, citations, error, search_results, usage, web_search].some((value) => value !== undefined)

/** The name of an event that is not a chunk. */
const nameOf = ({ event }: Sse.Event, { object, type }: Protocol.Fields): string =>
  Protocol.text(type) || (event === "message" ? Protocol.text(object) : event)

const read = (event: Sse.Event, answer: Answer): void => {
  if (event.event === "error") Protocol.failWith(Protocol.fields(Protocol.parse(event.data))["error"], answer)
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

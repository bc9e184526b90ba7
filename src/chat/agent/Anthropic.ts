/**
 * The Messages protocol of Anthropic, which DeepSeek, Zhipu and others support too.
 *
 * @module
 */
import { Predicate } from "effect"
import type { Sse } from "effect/encoding"
import type { Answer } from "./Answer.ts"
import * as Protocol from "./Protocol.ts"

const body: Protocol.AgentProtocol["body"] = ({ instance, session }, { messages, model }) => ({
  model,
  stream: true,
  // The protocol requires it.
  max_tokens: instance.max_tokens,
  metadata: { user_id: session },
  system: instance.instructions ?? undefined,
  // The first message must be the user's.
  messages: messages.slice(messages.findIndex(({ role }) => role === "user"))
})

/** A citation names a page, or a document in the request. A document has no URL and is not a source. */
const readCitation = (value: unknown, answer: Answer): void => {
  const { source, title, url } = Protocol.fields(value)
  answer.source(Protocol.text(url) || Protocol.text(source), Protocol.text(title))
}

/** Reads the results of a search, or the page that a tool fetched. */
const readToolResult = (content: unknown, answer: Answer): void => {
  const results = Array.isArray(content) ? content : [content]
  for (const value of results) {
    const result = Protocol.fields(value)
    if (result["type"] !== "web_search_result" && result["type"] !== "web_fetch_result") continue
    const title = Protocol.text(result["title"]) || Protocol.text(Protocol.fields(result["content"])["title"])
    answer.retrieved(Protocol.text(result["url"]), title)
  }
}

const readTool = (block: Protocol.Fields, answer: Answer): void =>
  answer.tool(Protocol.text(block["id"]), Protocol.text(block["name"]))

const readThinking = (block: Protocol.Fields, answer: Answer): void =>
  answer.reasoning(Protocol.text(block["thinking"]))

const readTypedBlock = Protocol.byType({
  text: (block, answer) => {
    answer.text(Protocol.text(block["text"]))
    for (const citation of Protocol.elements(block["citations"])) readCitation(citation, answer)
  },
  thinking: readThinking,
  redacted_thinking: readThinking,
  tool_use: readTool,
  server_tool_use: readTool,
  mcp_tool_use: readTool
})

/** Reads a block of content. The result of each kind of tool has its own type, such as `web_search_tool_result`. */
const readBlock = (block: Protocol.Fields, answer: Answer): void => {
  const type = Protocol.text(block["type"])
  readTypedBlock(type)(block, answer)
  if (!type.endsWith("tool_result")) return
  answer.toolDone(Protocol.text(block["tool_use_id"]))
  readToolResult(block["content"], answer)
}

const readDelta = Protocol.byType({
  text_delta: (delta, answer) => answer.text(Protocol.text(delta["text"])),
  thinking_delta: readThinking,
  citations_delta: (delta, answer) => readCitation(delta["citation"], answer)
})

/** Cached input counts as input. The count of the output is cumulative; that of the input may be corrected at the end. */
const readUsage = (value: unknown, answer: Answer): void => {
  if (!Predicate.isObject(value)) return
  const input =
    Protocol.count(value["input_tokens"]) +
    Protocol.count(value["cache_creation_input_tokens"]) +
    Protocol.count(value["cache_read_input_tokens"])
  answer.usage(input === 0 ? answer.inputTokens : input, Protocol.count(value["output_tokens"]))
}

const readStopReason = (value: unknown, answer: Answer): void => {
  if (typeof value === "string" && value !== "") Protocol.finish(value, answer)
}

const readMessage = (message: Protocol.Fields, answer: Answer): void => {
  for (const block of Protocol.elements(message["content"])) readBlock(Protocol.fields(block), answer)
  readUsage(message["usage"], answer)
  readStopReason(message["stop_reason"], answer)
}

const events: Parameters<typeof Protocol.byType>[0] = {
  content_block_delta: (data, answer) => {
    const delta = Protocol.fields(data["delta"])
    readDelta(Protocol.text(delta["type"]))(delta, answer)
  },
  content_block_start: (data, answer) => readBlock(Protocol.fields(data["content_block"]), answer),
  message_start: (data, answer) => {
    answer.beginMessage()
    readMessage(Protocol.fields(data["message"]), answer)
  },
  message_delta: (data, answer) => {
    readUsage(data["usage"], answer)
    readStopReason(Protocol.fields(data["delta"])["stop_reason"], answer)
  },
  message_stop: (_, answer) => {
    if (answer.finishReason === undefined) answer.finish("stop")
  },
  content_block_stop: Protocol.ignore,
  ping: Protocol.ignore,
  error: (data, answer) => Protocol.failWith(data["error"], answer),
  // Proxies: an error without a type.
  message: Protocol.readUntyped
}

const readEvent = Protocol.byType(events, Protocol.unknown)

const read = (event: Sse.Event, answer: Answer): void => {
  const data = Protocol.dataOf(event, answer)
  if (data !== undefined) readEvent(Protocol.text(data["type"]) || event.event)(data, answer)
}

export const protocol: Protocol.AgentProtocol = {
  path: "messages",
  keyHeaders: (key) => ({ "x-api-key": key }),
  headers: () => ({ "anthropic-version": "2023-06-01" }),
  body,
  makeReader: () => ({ read }),
  readWhole: (whole, answer) => {
    if (!Array.isArray(whole["content"])) return false
    readMessage(whole, answer)
    answer.done()
    return true
  }
}

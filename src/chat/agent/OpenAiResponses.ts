/**
 * The Responses protocol of OpenAI. Azure, xAI, LM Studio and others support it too.
 *
 * @module
 */
import { Predicate } from "effect"
import type { Sse } from "effect/encoding"
import type { AgentRequest } from "./Agent.ts"
import type { Answer } from "./Answer.ts"
import * as Protocol from "./Protocol.ts"

const body = (request: AgentRequest) => {
  const { instance, session, messages } = request
  return {
    ...Protocol.model(request),
    stream: true,
    // The provider stores nothing, so each request has all messages.
    store: false,
    ...(Protocol.isBounded(request) ? { max_output_tokens: instance.max_tokens } : {}),
    user: session,
    ...(instance.instructions === null ? {} : { instructions: instance.instructions }),
    input: Protocol.requestMessages(messages)
  }
}

/** The types of items that ask the client to run a tool, or to approve its use. This service does neither. */
const clientCalls: ReadonlySet<unknown> = new Set([
  "function_call",
  "custom_tool_call",
  "local_shell_call",
  "shell_call",
  "apply_patch_call",
  "computer_call",
  "mcp_approval_request"
])

const isTool = (type: string): boolean =>
  type.endsWith("_call") || type === "mcp_list_tools" || type === "mcp_approval_request"

/** The name of a tool. A tool without a name is named after its type, without `_call`: `web_search` for `web_search_call`. */
const toolName = (item: Protocol.Fields, type: string): string =>
  Protocol.text(item["name"]) || type.replace(/_call$/, "")

const readAnnotation = (value: unknown, answer: Answer): void => {
  const annotation = Protocol.fields(value)
  if (annotation["type"] !== "url_citation") return
  // Some gateways put the fields in `url_citation`, as the Chat Completions protocol does.
  const { title, url } = Predicate.isObject(annotation["url_citation"]) ? annotation["url_citation"] : annotation
  answer.source(Protocol.text(url), Protocol.text(title))
}

const readUsage = (usage: unknown, answer: Answer): void => {
  if (!Predicate.isObject(usage)) return
  const input = Protocol.count(usage["input_tokens"])
  answer.usage(input, Math.max(Protocol.count(usage["output_tokens"]), Protocol.count(usage["total_tokens"]) - input))
}

/** Reads the parts of a message: its text, unless deltas had it, and its citations. */
const readParts = (content: unknown, hasText: boolean, answer: Answer): void => {
  if (!hasText && typeof content === "string") answer.text(content)
  for (const value of Protocol.elements(content)) {
    const part = Protocol.fields(value)
    if (!hasText && part["type"] === "output_text") answer.text(Protocol.text(part["text"]))
    if (!hasText && part["type"] === "refusal") answer.refusal(Protocol.text(part["refusal"]))
    for (const annotation of Protocol.elements(part["annotations"])) readAnnotation(annotation, answer)
  }
}

const readWholeItem = (value: unknown, answer: Answer): void => {
  const item = Protocol.fields(value)
  const type = Protocol.text(item["type"])
  if (type === "message") readParts(item["content"], false, answer)
  else if (type === "reasoning") answer.reasoning("")
  else if (isTool(type)) answer.tool(Protocol.text(item["id"]) || type, toolName(item, type))
}

/** The finish reason of a response that ended. A complete response has none: it stopped, or called the client's tools. */
const finishReasonOf = (response: Protocol.Fields): string => {
  const reason = Protocol.text(Protocol.fields(response["incomplete_details"])["reason"])
  if (reason !== "") return reason
  if (response["status"] === "incomplete") return "other"
  const called = Protocol.elements(response["output"]).some((item) => clientCalls.has(Protocol.fields(item)["type"]))
  return called ? "tool_calls" : "stop"
}

/** Ends a response by its `status`, whatever the name of the event. */
const finish = (response: Protocol.Fields, answer: Answer): void => {
  readUsage(response["usage"], answer)
  // The pages that xAI read, whether the answer cites them or not.
  for (const url of Protocol.elements(response["citations"])) answer.retrieved(Protocol.text(url), "")
  const { status } = response
  if (status === "failed" || status === "cancelled") Protocol.failWith(response["error"], answer)
  else Protocol.finish(finishReasonOf(response), answer)
}

const readReasoning = (data: Protocol.Fields, answer: Answer): void => answer.reasoning(Protocol.text(data["delta"]))

/** Applies the `error` of an event, or the `code` of an event that has no `error`. */
const fail = (data: Protocol.Fields, answer: Answer): void =>
  Protocol.failWith(data["error"] ?? { code: data["code"] }, answer)

/** The events that do not depend on earlier events. */
const statelessEvents: Parameters<typeof Protocol.byType>[0] = {
  "response.reasoning_summary_text.delta": readReasoning,
  "response.reasoning_text.delta": readReasoning,
  "response.reasoning.delta": readReasoning,
  "response.output_text.annotation.added": (data, answer) => readAnnotation(data["annotation"], answer),
  "response.failed": (data, answer) => Protocol.failWith(Protocol.fields(data["response"])["error"], answer),
  "response.cancelled": fail,
  "response.error": fail,
  error: fail,
  ping: Protocol.ignore,
  keepalive: Protocol.ignore,
  message: Protocol.readUntyped
}

/** The protocol has more events than are read, and gets new ones. */
const readStateless = Protocol.byType(statelessEvents, (type) =>
  type.startsWith("response.") ? Protocol.ignore : Protocol.unknown(type)
)

class Reader implements Protocol.EventReader {
  /** Whether the current content part, item and response had text. */
  private partHasText = false
  private itemHasText = false
  private responseHasText = false

  read(event: Sse.Event, answer: Answer): void {
    if (event.data.trim() === "[DONE]") answer.done()
    else {
      const data = Protocol.dataOf(event, answer)
      if (data !== undefined) this.apply(data, Protocol.text(data["type"]) || event.event, answer)
    }
  }

  private apply(data: Protocol.Fields, type: string, answer: Answer): void {
    switch (type) {
      case "response.output_text.delta":
        this.markText()
        answer.text(Protocol.text(data["delta"]))
        break
      case "response.refusal.delta":
        this.markText()
        answer.refusal(Protocol.text(data["delta"]))
        break
      case "response.created":
        this.responseHasText = false
        answer.beginMessage()
        break
      case "response.output_item.added":
        this.itemHasText = false
        this.partHasText = false
        this.begin(Protocol.fields(data["item"]), answer)
        break
      case "response.content_part.added":
        this.partHasText = false
        break
      case "response.output_text.done":
        this.endPart(() => answer.text(Protocol.text(data["text"])))
        break
      case "response.content_part.done":
        if (!this.itemHasText) this.endPart(() => readParts([data["part"]], false, answer))
        break
      case "response.refusal.done":
        this.endPart(() => answer.refusal(Protocol.text(data["refusal"])))
        break
      case "response.output_item.done":
        this.end(Protocol.fields(data["item"]), answer)
        break
      case "response.completed":
      case "response.done":
      case "response.incomplete":
        this.complete(Protocol.fields(data["response"]), answer)
        break
      default:
        readStateless(type)(data, answer)
    }
  }

  private markText(): void {
    this.partHasText = true
    this.itemHasText = true
    this.responseHasText = true
  }

  /** Ends a part. Adds its text if no deltas had it. */
  private endPart(addText: () => void): void {
    if (!this.partHasText) {
      this.markText()
      addText()
    }
    this.partHasText = false
  }

  private begin(item: Protocol.Fields, answer: Answer): void {
    const type = Protocol.text(item["type"])
    if (type === "reasoning") answer.reasoning("")
    else if (isTool(type)) answer.tool(Protocol.text(item["id"]) || type, toolName(item, type))
  }

  private end(item: Protocol.Fields, answer: Answer): void {
    const type = Protocol.text(item["type"])
    if (type === "message") {
      readParts(item["content"], this.itemHasText, answer)
      if (!this.itemHasText) this.markText()
    } else if (isTool(type)) {
      const id = Protocol.text(item["id"]) || type
      answer.tool(id, toolName(item, type))
      if (!clientCalls.has(type)) answer.toolDone(id)
    }
  }

  private complete(response: Protocol.Fields, answer: Answer): void {
    if (!this.responseHasText) for (const item of Protocol.elements(response["output"])) readWholeItem(item, answer)
    finish(response, answer)
  }
}

export const protocol: Protocol.AgentProtocol = {
  path: "responses",
  keyHeaders: (key) => ({ authorization: `Bearer ${key}` }),
  headers: () => ({}),
  body,
  makeReader: () => new Reader(),
  readWhole: (whole, answer) => {
    if (!Array.isArray(whole["output"])) return false
    for (const item of whole["output"]) readWholeItem(item, answer)
    finish(whole, answer)
    answer.done()
    return true
  }
}

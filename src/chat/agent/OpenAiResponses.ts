/**
 * The Responses protocol of OpenAI. Azure, xAI, LM Studio and others support it too.
 *
 * @module
 */
import { Predicate } from "effect"
import type { Answer } from "./Answer.ts"
import * as Protocol from "./Protocol.ts"

const body: Protocol.AgentProtocol["body"] = ({ instance, session }, { maxTokens, messages, model }) => ({
  model,
  stream: true,
  // The provider stores nothing, so each request has all messages.
  store: false,
  max_output_tokens: maxTokens,
  user: session,
  instructions: instance.instructions ?? undefined,
  input: messages
})

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
  const { title, type, url } = Protocol.fields(value)
  if (type === "url_citation") answer.source(Protocol.text(url), Protocol.text(title))
}

const readUsage = (usage: unknown, answer: Answer): void => {
  if (!Predicate.isObject(usage)) return
  answer.usage(Protocol.count(usage["input_tokens"]), Protocol.count(usage["output_tokens"]))
}

/** Reads the parts of a message: its text, unless it was read before, and its citations. */
const readParts = (content: unknown, hasText: boolean, answer: Answer): void => {
  for (const value of Protocol.elements(content)) {
    const part = Protocol.fields(value)
    if (!hasText && part["type"] === "output_text") answer.text(Protocol.text(part["text"]))
    if (!hasText && part["type"] === "refusal") answer.refusal(Protocol.text(part["refusal"]))
    for (const annotation of Protocol.elements(part["annotations"])) readAnnotation(annotation, answer)
  }
}

/** Reads an item that begins, or the reasoning or the tool of an answer that was not streamed. */
const beginItem = (item: Protocol.Fields, answer: Answer): void => {
  const type = Protocol.text(item["type"])
  if (type === "reasoning") answer.reasoning("")
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

/** The members of a response that ended, besides those of its status and its output. */
const responseMembers: ReadonlyArray<readonly [member: string, read: (value: unknown, answer: Answer) => void]> = [
  ["usage", readUsage],
  // xAI: the pages that it read, whether the answer cites them or not.
  [
    "citations",
    (urls, answer) => {
      for (const url of Protocol.elements(urls)) answer.retrieved(Protocol.text(url), "")
    }
  ]
]

/** Ends a response by its `status`, whatever the name of the event. */
const finish = (response: Protocol.Fields, answer: Answer): void => {
  for (const [member, read] of responseMembers) read(response[member], answer)
  const { status } = response
  if (status === "failed" || status === "cancelled") Protocol.failWith(response["error"], answer)
  else Protocol.finish(finishReasonOf(response), answer)
}

/** Whether the current item of a response, and the current part of it, had text. */
interface Progress {
  itemHasText: boolean
  partHasText: boolean
}

type Read = (data: Protocol.Fields, answer: Answer, progress: Progress) => void

const markText = (progress: Progress): void => {
  progress.itemHasText = true
  progress.partHasText = true
}

const readDelta =
  (add: (answer: Answer, text: string) => void): Read =>
  (data, answer, progress) => {
    markText(progress)
    add(answer, Protocol.text(data["delta"]))
  }

/** Ends a part. OpenAI may send a short text only here, without deltas. */
const endPart =
  (add: (data: Protocol.Fields, answer: Answer) => void): Read =>
  (data, answer, progress) => {
    if (!progress.partHasText) add(data, answer)
    markText(progress)
    progress.partHasText = false
  }

const endItem: Read = ({ item: value }, answer, progress) => {
  const item = Protocol.fields(value)
  const type = Protocol.text(item["type"])
  // xAI may send a text only here.
  if (type === "message") readParts(item["content"], progress.itemHasText, answer)
  if (!isTool(type)) return
  beginItem(item, answer)
  if (!clientCalls.has(type)) answer.toolDone(Protocol.text(item["id"]) || type)
}

const readReasoning: Read = (data, answer) => answer.reasoning(Protocol.text(data["delta"]))

const complete: Read = ({ response }, answer) => finish(Protocol.fields(response), answer)

/** The events of OpenAI's reference that are read. It has more, and gets new ones. */
const events: Readonly<Record<string, Read>> = {
  "response.created": (_, answer) => answer.beginMessage(),
  "response.output_item.added": ({ item }, answer, progress) => {
    progress.itemHasText = false
    progress.partHasText = false
    beginItem(Protocol.fields(item), answer)
  },
  "response.content_part.added": (_, __, progress) => {
    progress.partHasText = false
  },
  "response.output_text.delta": readDelta((answer, text) => answer.text(text)),
  "response.refusal.delta": readDelta((answer, text) => answer.refusal(text)),
  "response.output_text.done": endPart(({ text }, answer) => answer.text(Protocol.text(text))),
  "response.refusal.done": endPart(({ refusal }, answer) => answer.refusal(Protocol.text(refusal))),
  "response.output_text.annotation.added": ({ annotation }, answer) => readAnnotation(annotation, answer),
  "response.reasoning_summary_text.delta": readReasoning,
  "response.reasoning_text.delta": readReasoning,
  "response.output_item.done": endItem,
  "response.completed": complete,
  "response.incomplete": complete,
  "response.failed": ({ response }, answer) => Protocol.failWith(Protocol.fields(response)["error"], answer),
  error: ({ code, error }, answer) => Protocol.failWith(error ?? { code }, answer)
}

/** The events that OpenAI's reference lacks. */
const variants: Readonly<Record<string, Read>> = {
  // OpenAI, during a long request.
  keepalive: Protocol.ignore,
  // OpenAI over some gateways: a response that ended, with its status.
  "response.done": complete,
  // The Open Responses specification.
  "response.reasoning.delta": readReasoning,
  // Proxies: an error without a type.
  message: Protocol.readUntyped
}

const readers = new Map(Object.entries({ ...events, ...variants }))

const makeReader = (): Protocol.EventReader => {
  const progress: Progress = { itemHasText: false, partHasText: false }
  return {
    read: (event, answer) => {
      const data = Protocol.dataOf(event, answer)
      if (data === undefined) return
      const type = Protocol.text(data["type"]) || event.event
      const read = readers.get(type)
      if (read !== undefined) read(data, answer, progress)
      else if (!type.startsWith("response.")) answer.unknown(type)
    }
  }
}

export const protocol: Protocol.AgentProtocol = {
  path: "responses",
  keyHeaders: (key) => ({ authorization: `Bearer ${key}` }),
  headers: () => ({}),
  body,
  makeReader,
  readWhole: (whole, answer) => {
    if (!Array.isArray(whole["output"])) return false
    for (const value of whole["output"]) {
      const item = Protocol.fields(value)
      beginItem(item, answer)
      if (item["type"] === "message") readParts(item["content"], false, answer)
    }
    finish(whole, answer)
    answer.done()
    return true
  }
}

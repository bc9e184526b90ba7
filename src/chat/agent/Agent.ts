/**
 * Requests to an agent and the events of its answer, independent of the agent protocol. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import type { Instance } from "../Instance.ts"

/** A message as an agent gets it. */
export interface ModelMessage {
  readonly role: "user" | "assistant"
  readonly text: string
}

export interface AgentRequest {
  readonly instance: Instance
  /** The id of the conversation for the agent: at most 64 characters. A visitor can neither choose nor guess it. */
  readonly session: string
  /** Oldest first. The last message is the visitor's. */
  readonly messages: readonly [...ReadonlyArray<ModelMessage>, ModelMessage]
  /** Whether the agent should report the tokens of its answer. */
  readonly wantsUsage?: boolean
}

/**
 * Why an agent finished: the reasons of OpenAI's `finish_reason` that a visitor's client can use; any other reason is
 * `other`.
 */
export const FinishReason = Schema.Literals(["stop", "length", "content-filter", "other"])

export type FinishReason = typeof FinishReason.Type

/** Why an agent finished a part of its answer. After `tool-calls`, the agent may run its tools and continue. */
export const AgentFinish = Schema.Literals(["stop", "length", "content-filter", "tool-calls", "other"])

export type AgentFinish = typeof AgentFinish.Type

export const AgentEvent = Schema.Union([
  /** The agent accepted the request. No text has arrived yet. */
  Schema.TaggedStruct("Accepted", {}),
  Schema.TaggedStruct("Text", { delta: Schema.String }),
  /** Text that explains why the agent does not answer. Visitors read it like `Text`. */
  Schema.TaggedStruct("Refusal", { delta: Schema.String }),
  Schema.TaggedStruct("Reasoning", { delta: Schema.String }),
  Schema.TaggedStruct("Source", { url: Schema.String, title: Schema.NullOr(Schema.String) }),
  /** A tool that the agent's side runs, such as a web search. */
  Schema.TaggedStruct("Tool", { id: Schema.String, name: Schema.String, state: Schema.Literals(["running", "done"]) }),
  /** The tokens of the whole request so far. A later event replaces an earlier one. */
  Schema.TaggedStruct("Usage", { inputTokens: Schema.Finite, outputTokens: Schema.Finite }),
  Schema.TaggedStruct("Finish", { reason: FinishReason })
])

export type AgentEvent = typeof AgentEvent.Type

/** The visitor's message. */
export const messageOf = ({ messages }: AgentRequest): string => messages[messages.length - 1]!.text

/**
 * What an agent is doing while it sends no text, as visitors see it. The activities are few and general: the name of a tool may
 * reveal more about an agent than its owner chose to show.
 */
export type AgentActivity = "thinking" | "searching" | "working"

const searches = /search|fetch|brows|retriev|crawl/i

/** The activity that an event shows; null for an event that shows none. */
export const activityOf = (event: AgentEvent): AgentActivity | null => {
  if (event._tag === "Reasoning") return "thinking"
  if (event._tag !== "Tool" || event.state === "done") return null
  return searches.test(event.name) ? "searching" : "working"
}

/**
 * What is asked of an agent and what comes back. Types alone.
 *
 * @module
 */
import type { Instance } from "./Instance.ts"

export interface AgentRequest {
  readonly instance: Instance
  readonly conversationId: string
  readonly message: string
}

/** The reasons of OpenAI's `finish_reason` that a visitor's client can use; anything else is `other`. */
export type FinishReason = "stop" | "length" | "content-filter" | "tool-calls" | "other"

export type AgentEvent =
  | { readonly _tag: "Accepted" }
  | { readonly _tag: "Text"; readonly delta: string }
  | { readonly _tag: "Finish"; readonly reason: FinishReason }

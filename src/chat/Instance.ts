/**
 * An instance: the agent of a chat, and how the edge sends requests to it. Pure.
 *
 * @module
 */
import type { WebsiteConfigId } from "../platform/Id.ts"
/** The agent protocols. */
export const protocols = ["openai-chat", "openai-responses", "anthropic"] as const

export type AgentProtocolName = (typeof protocols)[number]

/** Values that are encrypted with `SECRETS_KEY` for an instance, and their names. */
export interface Additions {
  readonly names: ReadonlyArray<string>
  readonly sealed: Uint8Array
}

export interface Instance {
  readonly instanceId: string
  readonly name: string
  /** The website that the instance serves, by its `website_config_id`; null for none. */
  readonly websiteConfigId: WebsiteConfigId | null
  /** The base URL of the agent's API, or the whole URL of its completions endpoint. */
  readonly agentUrl: string
  readonly agentProtocol: AgentProtocolName
  /** The name of the model, sent with each request; null lets the agent choose. */
  readonly agentModel: string | null
  /** The name of the environment variable with the agent's key; null for none. */
  readonly agentKeyEnv: string | null
  /** The agent's key that was set through the owner API, encrypted with `SECRETS_KEY` for this instance; null for none. */
  readonly agentKey: Uint8Array | null
  /** Whether requests may reach the public internet only, because the URL was set through the owner API. */
  readonly isGuarded: boolean
  /** The header that carries the key as it is, such as `api-key`; null sends the protocol's own header. */
  readonly agentKeyHeader: string | null
  /** Additional fields of the body of each request; null for none. See `AgentAdditions`. */
  readonly agentBody: Additions | null
  /** Additional headers of each request; null for none. */
  readonly agentHeaders: Additions | null
  /** Where conversations are kept: `edge` sends all messages with each request, `agent` only the last one. */
  readonly memory: "edge" | "agent"
  /** Which conversation ids have memory: those that the service issued, or also those that clients make. */
  readonly conversationIds: "service" | "client"
  /** The system prompt, with `memory: "edge"`; null for none. */
  readonly instructions: string | null
  /** The maximum number of messages of a conversation that are sent to the agent. */
  readonly historyMessages: number
  /** The maximum total length of the messages that are sent to the agent, in UTF-16 units. */
  readonly historyCharacters: number
  /** The maximum number of tokens that one answer may have. */
  readonly maxTokens: number
  /** The maximum number of tokens that the instance may use in a day (UTC); null for any number. */
  readonly dailyTokens: number | null
  /** The origins that may use the instance in a browser; empty means any. */
  readonly origins: ReadonlyArray<string>
}

type RequiredMember = "name" | "agentUrl"

/** An instance to create. Absent members get their defaults; an absent id is random. */
export type NewInstance = Pick<Instance, RequiredMember> & Partial<Omit<Instance, RequiredMember>>

/** A change of an instance. Absent members keep their values; null clears a nullable member. */
export type InstanceChange = Partial<Omit<Instance, "instanceId">>

const defaults: Omit<Instance, RequiredMember | "instanceId"> = {
  websiteConfigId: null,
  agentProtocol: "openai-chat",
  agentModel: null,
  agentKeyEnv: null,
  agentKey: null,
  isGuarded: false,
  agentKeyHeader: null,
  agentBody: null,
  agentHeaders: null,
  memory: "edge",
  conversationIds: "service",
  instructions: null,
  historyMessages: 40,
  historyCharacters: 60_000,
  maxTokens: 4096,
  dailyTokens: null,
  origins: []
}

export const make = (instanceId: string, instance: NewInstance): Instance => ({ ...defaults, ...instance, instanceId })

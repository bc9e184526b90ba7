/**
 * An instance: the agent of a chat, and how the edge sends requests to it. Pure; browsers can import it.
 *
 * @module
 */
import { Schema } from "effect"
import { InstanceId, WebsiteConfigId } from "../platform/Id.ts"

/** The agent protocols. */
export const protocols = ["openai-chat", "openai-responses", "anthropic"] as const

export type AgentProtocolName = (typeof protocols)[number]

export const memories = ["edge", "agent"] as const

export const idMakers = ["service", "client"] as const

/** When a chat offers its visitor to leave an address: after a failed answer, always, or never. */
export const contactOffers = ["failed", "always", "off"] as const

/** Values that are encrypted with `SECRETS_KEY` for an instance, and their names. */
export const Additions = Schema.Struct({ names: Schema.Array(Schema.String), sealed: Schema.Uint8Array })

export type Additions = typeof Additions.Type

const nullableText = Schema.NullOr(Schema.String)

/** An instance as it is stored, with its encrypted secrets. */
export const Instance = Schema.Struct({
  instance_id: InstanceId,
  name: Schema.String,
  /** The website that the instance serves; null for none. */
  website_config_id: Schema.NullOr(WebsiteConfigId),
  /** The base URL of the agent's API, or the whole URL of its completions endpoint. */
  agent_url: Schema.String,
  agent_protocol: Schema.Literals(protocols),
  /** The name of the model, sent with each request; null lets the agent choose. */
  agent_model: nullableText,
  /** The name of the environment variable with the agent's key; null for none. */
  agent_key_env: nullableText,
  /** The agent's key that was set through the owner API, encrypted with `SECRETS_KEY` for this instance; null for none. */
  agent_key: Schema.NullOr(Schema.Uint8Array),
  /** Whether requests may reach the public internet only, because the URL was set through the owner API. */
  guarded: Schema.Boolean,
  /** The header that carries the key as it is, such as `api-key`; null sends the protocol's own header. */
  agent_key_header: nullableText,
  /** Additional fields of the body of each request; null for none. See `InstanceInput`. */
  agent_body: Schema.NullOr(Additions),
  /** Additional headers of each request; null for none. */
  agent_headers: Schema.NullOr(Additions),
  /** Where conversations are kept: `edge` sends all messages with each request, `agent` only the last one. */
  memory: Schema.Literals(memories),
  /** Which conversation ids have memory: those that the service issued, or also those that clients make. */
  conversation_ids: Schema.Literals(idMakers),
  /** The system prompt, with `memory: "edge"`; null for none. */
  instructions: nullableText,
  /** The maximum number of messages of a conversation that are sent to the agent. */
  history: Schema.Int,
  /** The maximum total length of the messages that are sent to the agent, in UTF-16 units. */
  history_characters: Schema.Int,
  /** The maximum number of tokens that one answer may have. */
  max_tokens: Schema.Int,
  /** The maximum number of tokens that the instance may use in a day (UTC); null for any number. */
  daily_tokens: Schema.NullOr(Schema.Int),
  contact: Schema.Literals(contactOffers).annotate({
    description:
      "When the chat offers a visitor to leave an address, which becomes a submission of the website: after an answer failed, always, or never"
  }),
  /** The origins that may use the instance in a browser; empty means any. */
  origins: Schema.Array(Schema.String)
})

export interface Instance extends Schema.Schema.Type<typeof Instance> {}

type RequiredMember = "name" | "agent_url"

/** An instance to create. Absent members get their defaults; an absent id is random. */
export type NewInstance = Pick<Instance, RequiredMember> & Partial<Omit<Instance, RequiredMember>>

/** A change of an instance. Absent members keep their values; null clears a nullable member. */
export type InstanceChange = Partial<Omit<Instance, "instance_id">>

const defaults: Omit<Instance, RequiredMember | "instance_id"> = {
  website_config_id: null,
  agent_protocol: "openai-chat",
  agent_model: null,
  agent_key_env: null,
  agent_key: null,
  guarded: false,
  agent_key_header: null,
  agent_body: null,
  agent_headers: null,
  memory: "edge",
  conversation_ids: "service",
  instructions: null,
  history: 40,
  history_characters: 60_000,
  max_tokens: 4096,
  daily_tokens: null,
  contact: "failed",
  origins: []
}

export const make = (instance_id: InstanceId, instance: NewInstance): Instance => ({
  ...defaults,
  ...instance,
  instance_id
})

/** For documents. */
const examples = [
  {
    instance_id: InstanceId.make("6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"),
    name: "Support",
    agent_url: "https://agent.example.com/v1",
    agent_protocol: "openai-chat",
    agent_model: null,
    agent_key: "value",
    agent_key_header: null,
    agent_body_fields: ["temperature"],
    agent_header_names: [],
    memory: "edge",
    conversation_ids: "service",
    instructions: null,
    history: 40,
    history_characters: 60_000,
    max_tokens: 4096,
    daily_tokens: null,
    contact: "failed",
    origins: []
  }
] as const

const { fields } = Instance

/** The settings of an instance, as its website's owner sees them. */
export const InstanceSettings = Schema.Struct({
  instance_id: fields.instance_id,
  name: fields.name,
  agent_url: nullableText.annotate({ description: "Null if it was set by the command line" }),
  agent_protocol: fields.agent_protocol,
  agent_model: fields.agent_model,
  agent_key: Schema.NullOr(Schema.Literals(["value", "operator"])).annotate({
    description: "Whether the agent receives a key that was set here, or one of the operator's; null for none"
  }),
  agent_key_header: fields.agent_key_header,
  agent_body_fields: Schema.Array(Schema.String).annotate({ description: "The names of the fields in `agent_body`" }),
  agent_header_names: Schema.Array(Schema.String).annotate({ description: "The names of the `agent_headers`" }),
  memory: fields.memory,
  conversation_ids: fields.conversation_ids,
  instructions: fields.instructions,
  history: fields.history,
  history_characters: fields.history_characters,
  max_tokens: fields.max_tokens,
  daily_tokens: fields.daily_tokens,
  contact: fields.contact,
  origins: fields.origins
}).annotate({ identifier: "InstanceSettings", examples })

export type InstanceSettings = typeof InstanceSettings.Type

/** The settings of an instance, as the operator sees them. */
export const OperatorInstance = Schema.Struct({
  ...InstanceSettings.fields,
  website_config_id: fields.website_config_id,
  agent_url: fields.agent_url,
  agent_key_env: fields.agent_key_env,
  guarded: fields.guarded
})

export type OperatorInstance = typeof OperatorInstance.Type

/** The settings for the operator: of the secrets, only what they are. */
export const forOperator = ({ agent_body, agent_headers, agent_key, ...settings }: Instance): OperatorInstance => ({
  ...settings,
  agent_key: agent_key !== null ? "value" : settings.agent_key_env !== null ? "operator" : null,
  agent_body_fields: agent_body?.names ?? [],
  agent_header_names: agent_headers?.names ?? []
})

/** The settings for the website's owner, who does not see the operator's network and environment. */
export const forOwner = (instance: Instance): InstanceSettings => {
  const { agent_key_env: _, guarded, website_config_id: __, ...settings } = forOperator(instance)
  return { ...settings, agent_url: guarded ? settings.agent_url : null }
}

/**
 * The settings that only the operator may change while an instance uses the operator's key: those that decide in which header a
 * request carries the key, what requests have besides, and those that an answer's cost depends on. To change them, an owner
 * enters a key of their own.
 *
 * An owner may change the agent's URL, because this removes the operator's key from the instance. An owner may also change the
 * instructions: their length is limited, and their tokens count towards `daily_tokens`.
 */
const reserved = [
  "agent_protocol",
  "agent_model",
  "agent_key_header",
  "agent_body",
  "agent_headers",
  "memory",
  "history",
  "history_characters",
  "max_tokens",
  "daily_tokens"
] as const satisfies ReadonlyArray<keyof Instance>

type Reserved = (typeof reserved)[number]

/** The first reserved setting that a change modifies. Undefined if there is none, or if the instance does not use the operator's key. */
export const reservedChange = (
  before: Pick<Instance, Reserved | "agent_key_env">,
  change: { readonly [K in Reserved]?: Instance[K] | undefined }
): Reserved | undefined =>
  before.agent_key_env === null
    ? undefined
    : reserved.find((name) => change[name] !== undefined && change[name] !== before[name])

/**
 * The settings that only the operator may change while an instance uses the operator's key: those that decide in which header a
 * request carries the key, what requests have besides, and those that an answer's cost depends on. To change them, an owner enters a key of their own.
 *
 * An owner may change the agent's URL, because this removes the operator's key from the instance. An owner may also change the
 * instructions: their length is limited, and their tokens count towards `dailyTokens`. Pure.
 *
 * @module
 */
import type { Instance } from "./Instance.ts"

/** The members that hold these settings, with their names in the owner API. */
const reserved = {
  agentProtocol: "agent_protocol",
  agentModel: "agent_model",
  agentKeyHeader: "agent_key_header",
  agentBody: "agent_body",
  agentHeaders: "agent_headers",
  memory: "memory",
  historyMessages: "history",
  historyCharacters: "history_characters",
  maxTokens: "max_tokens",
  dailyTokens: "daily_tokens"
} as const satisfies Partial<Record<keyof Instance, string>>

type Reserved = keyof typeof reserved

/**
 * The first reserved member that a change modifies, by its name in the owner API. Undefined if there is none, or if the
 * instance does not use the operator's key.
 */
export const refusedOf = (
  before: Pick<Instance, Reserved | "agentKeyEnv">,
  change: { readonly [K in Reserved]?: Instance[K] | undefined }
): string | undefined => {
  if (before.agentKeyEnv === null) return undefined
  const member = (Object.keys(reserved) as ReadonlyArray<Reserved>).find(
    (name) => change[name] !== undefined && change[name] !== before[name]
  )
  return member && reserved[member]
}

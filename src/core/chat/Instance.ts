/**
 * A running agent that a widget talks to. Types alone.
 *
 * @module
 */

export interface Instance {
  readonly instanceId: string
  readonly name: string
  /** The base address of an OpenAI-compatible runtime; `/v1/chat/completions` is asked beneath it. */
  readonly agentUrl: string
  /** The model to ask for, or null to leave it out. */
  readonly agentModel: string | null
  /** The name of the environment variable that holds the runtime's bearer key, or null for none. Never the key. */
  readonly agentKeyEnv: string | null
  /** The origins that may use the instance in a browser; empty means any. */
  readonly origins: ReadonlyArray<string>
}

/** What may be changed of an instance; what is not given stays, and null takes off what may be null. */
export type InstanceChange = Partial<Omit<Instance, "instanceId">>

/**
 * Diagnoses the agents of instances by the outcome of a question. Pure.
 *
 * @module
 */
import { type Outcome, problemOf } from "../../chat/agent/AgentCheck.ts"
import * as Certificate from "../../platform/outward/Certificate.ts"
import { hydracore } from "../../platform/text/CommandName.ts"
import { type Finding, ok, problem } from "./Finding.ts"

/** The outcome of a question to the agent of an instance. */
export interface AgentFacts {
  readonly instance_id: string
  readonly name: string
  readonly outcome: Outcome
}

/**
 * What is wrong with an agent, as the rest of a sentence about it, and what to do. `update` is the beginning of the command that
 * changes its instance.
 */
const faultOf = (
  outcome: Exclude<Outcome, { readonly _tag: "Answered" | "TokensUsed" }>,
  update: string
): readonly [fault: string, advice: string] => {
  const protocol = `Check the protocol and the model: \`${update} --agent-protocol <protocol> --agent-model <name>\``
  const address = `if its address changed: \`${update} --agent-url <url>\`.`
  switch (outcome._tag) {
    case "LockedKey":
      return [
        "has a stored key, or stored fields or headers, that SECRETS_KEY does not decrypt",
        "Set SECRETS_KEY to the value with which they were stored, or enter them again in the console."
      ]
    case "NoKey":
      return [
        `needs a key, and the variable ${outcome.variable} is not set here`,
        `Set ${outcome.variable} in the environment of the service, or name another variable: \`${update} --agent-key-env <name>\`.`
      ]
    case "Failed":
      return [`gives no answer (${outcome.reason})`, `${protocol}; then see the agent's own log.`]
    case "Refused": {
      const cause = problemOf(outcome)
      const code = outcome.code === undefined ? "" : `, ${outcome.code}`
      const advice: Readonly<Record<string, string>> = {
        key: `If the key was entered in the console, enter a valid one there. Otherwise, put a valid key into the variable that the instance names as its agent_key_env, or name another: \`${update} --agent-key-env <name>\`.`,
        address: `Check the address, which must not redirect, and the model: \`${update} --agent-url <url> --agent-model <name>\`.`,
        quota: "Check the quota and the rate limit of the key at the provider, and try again.",
        busy: "It is overloaded or still starting; try again in a moment.",
        request: `${protocol}.`
      }
      return [
        `refuses ${cause === "key" ? "the key" : "a question"} (status ${outcome.status}${code})`,
        advice[cause ?? ""] ?? "See the agent's own log."
      ]
    }
    case "Unavailable":
    case "Silent": {
      const fault = Certificate.faultOf(outcome.reason)
      if (fault !== undefined) {
        return [
          `has a certificate that was refused (${outcome.reason}): ${Certificate.descriptions[fault]}`,
          `${Certificate.adviceSentence(fault, "its agent_url").slice(0, -1)}; ${address}`
        ]
      }
      return problemOf(outcome) === "not-public"
        ? [
            "was set in the console or over the owner API, and its host was not found on the public internet",
            `Check the address. If it is in your own network, set it with this command, which allows private addresses: \`${update} --agent-url <url>\`.`
          ]
        : [`does not answer (${outcome.reason})`, `Check that it runs and is reachable from here; ${address}`]
    }
  }
}

/** The finding of one agent. */
export const ofAgent = ({ instance_id, name, outcome }: AgentFacts): Finding => {
  const agent = `The agent of "${name}" (${instance_id})`
  if (outcome._tag === "Answered") return ok("agents", `${agent} answers.`)
  if (outcome._tag === "TokensUsed") {
    return ok("agents", `${agent} gets no question until the next day (UTC): its tokens of the day are used up.`)
  }
  const [fault, advice] = faultOf(outcome, `${hydracore} instance update --instance ${instance_id}`)
  return problem("agents", `${agent} ${fault}.`, advice)
}

/** How many instances are asked by default. A question may cost money. */
export const askedByDefault = 3

/** Which instances to ask: those with these ids, all, or the newest. */
export type Ask = ReadonlyArray<string> | "all" | "newest"

/** The instances to ask, of all instances, oldest first. */
export const choose = <A extends { readonly instance_id: string }>(
  instances: ReadonlyArray<A>,
  ask: Ask
): ReadonlyArray<A> => {
  if (ask === "all") return instances
  return ask === "newest"
    ? instances.slice(-askedByDefault)
    : instances.filter(({ instance_id }) => ask.includes(instance_id))
}

/**
 * Reports whether an instance's agent answers, and what to do if it does not. Pure.
 *
 * @module
 */
import { type Outcome, problemOf } from "../chat/agent/AgentCheck.ts"
import { hydracore } from "../text/CommandName.ts"
import * as Certificate from "./Certificate.ts"
import { type Finding, ok, problem } from "./Finding.ts"

/** The outcome of one question to an agent. */
export interface AgentFacts {
  readonly instanceId: string
  readonly name: string
  readonly outcome: Outcome
}

/** The beginning of a command that changes an instance. */
const updateOf = (instanceId: string): string => `${hydracore} instance update --instance ${instanceId}`

const sentence = (clause: string): string => `${clause.slice(0, 1).toUpperCase()}${clause.slice(1)}.`

const statusAdvice = (status: number, update: string): string => {
  switch (status) {
    case 401:
    case 403:
      return `If the key was entered in the console, enter a valid one there. Otherwise, put a valid key into the variable that the instance names as its agent_key_env, or name another: \`${update} --agent-key-env <name>\`.`
    case 404:
    case 405:
      return `Check the address and the model: \`${update} --agent-url <url> --agent-model <name>\`.`
    case 402:
    case 429:
      return "Check the quota and the rate limit of the key at the provider, and try again."
    case 503:
    case 529:
      return "It is overloaded or still starting; try again in a moment."
  }
  if (status < 400)
    return `It redirects, which is not followed; set the final address: \`${update} --agent-url <url>\`.`
  return status >= 500
    ? "See the agent's own log."
    : `Check the protocol and the model: \`${update} --agent-protocol <protocol> --agent-model <name>\`.`
}

const ofUnavailable = (agent: string, reason: string, update: string): Finding => {
  const fault = Certificate.faultOf(reason)
  const addressAdvice = `if its address changed: \`${update} --agent-url <url>\``
  return fault === undefined
    ? problem(
        "agents",
        `${agent} does not answer (${reason}).`,
        `Check that it runs and is reachable from here; ${addressAdvice}.`
      )
    : problem(
        "agents",
        `${agent} has a certificate that was refused (${reason}): ${Certificate.descriptions[fault]}.`,
        sentence(`${Certificate.advice(fault, "its agent_url")}; ${addressAdvice}`)
      )
}

/** The finding of one agent. */
export const ofAgent = ({ instanceId, name, outcome }: AgentFacts): Finding => {
  const agent = `The agent of "${name}" (${instanceId})`
  const update = updateOf(instanceId)
  switch (outcome._tag) {
    case "Answered":
      return ok("agents", `${agent} answers.`)
    case "TokensUsed":
      return ok("agents", `${agent} gets no question until the next day (UTC): its tokens of the day are used up.`)
    case "LockedKey":
      return problem(
        "agents",
        `${agent} has a stored key, or stored fields or headers, that SECRETS_KEY does not decrypt.`,
        "Set SECRETS_KEY to the value with which they were stored, or enter them again in the console."
      )
    case "NoKey":
      return problem(
        "agents",
        `${agent} needs a key, and the variable ${outcome.variable} is not set here.`,
        `Set ${outcome.variable} in the environment of the service, or name another variable: \`${update} --agent-key-env <name>\`.`
      )
    case "Unavailable":
    case "Silent":
      if (problemOf(outcome) === "not-public") {
        return problem(
          "agents",
          `${agent} was set in the console or over the owner API, and its host was not found on the public internet.`,
          `Check the address. If it is in your own network, set it with this command, which allows private addresses: \`${update} --agent-url <url>\`.`
        )
      }
      return ofUnavailable(agent, outcome.reason, update)
    case "Refused": {
      const what = outcome.status === 401 || outcome.status === 403 ? "refuses the key" : "refuses a question"
      const status = `status ${outcome.status}${outcome.code === undefined ? "" : `, ${outcome.code}`}`
      return problem("agents", `${agent} ${what} (${status}).`, statusAdvice(outcome.status, update))
    }
    case "Failed":
      return problem(
        "agents",
        `${agent} gives no answer (${outcome.reason}).`,
        `Check the protocol and the model: \`${update} --agent-protocol <protocol> --agent-model <name>\`; then see the agent's own log.`
      )
  }
}

/** How many instances are asked by default. A question may cost money. */
export const askedByDefault = 3

/** Which instances to ask: those with these ids, all, or the newest. */
export type Ask = ReadonlyArray<string> | "all" | "newest"

/** Divides instances, oldest first, into those to ask and the others. */
export const choose = <A extends { readonly instanceId: string }>(
  instances: ReadonlyArray<A>,
  ask: Ask
): { readonly asked: ReadonlyArray<A>; readonly others: ReadonlyArray<A> } => {
  const isAsked = ({ instanceId }: A, index: number): boolean =>
    ask === "all" || (ask === "newest" ? index >= instances.length - askedByDefault : ask.includes(instanceId))
  return { asked: instances.filter(isAsked), others: instances.filter((instance, index) => !isAsked(instance, index)) }
}

/** The maximum number of instances that one sentence names. */
const maxNamed = 20

const notAsked = (instances: ReadonlyArray<Pick<AgentFacts, "instanceId" | "name">>): Finding => {
  const named = instances.slice(0, maxNamed).map(({ instanceId, name }) => `"${name}" (${instanceId})`)
  const more = instances.length > maxNamed ? [`${instances.length - maxNamed} more`] : []
  return ok(
    "agents",
    `Not asked, since no --ask <instance_id> or --ask all includes them: ${[...named, ...more].join(", ")}.`
  )
}

/** The agents' answers, and the instances that were not asked. */
export interface AgentsFacts {
  readonly asked: ReadonlyArray<AgentFacts>
  readonly others: ReadonlyArray<Pick<AgentFacts, "instanceId" | "name">>
}

/** @param facts null if the instances could not be read; then there is no finding */
export const ofAgents = (facts: AgentsFacts | null): ReadonlyArray<Finding> => {
  if (facts === null) return []
  const { asked, others } = facts
  return asked.length === 0 && others.length === 0
    ? [ok("agents", "There are no instances, so there is no agent to check.")]
    : [...asked.map(ofAgent), ...(others.length === 0 ? [] : [notAsked(others)])]
}

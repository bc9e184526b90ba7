/**
 * Diagnoses what the service sends to: webhooks, the mail server and agents. Pure.
 *
 * @module
 */

import { type Outcome, type Problem, problemOf } from "../../chat/agent/AgentCheck.ts"
import type { AgentFacts } from "../../chat/agent/Inspection.ts"
import type { MailFacts } from "../../delivery/mail/Mailer.ts"
import * as Certificate from "../../platform/outward/Certificate.ts"
import { hydracore } from "../../platform/text/CommandName.ts"
import { type Finding, ofRows, ok } from "./Finding.ts"

export interface WebhookFacts {
  readonly total: number
  /** How many have a secret that `SECRETS_KEY` does not decrypt; null without `SECRETS_KEY`. */
  readonly locked: number | null
}

/** @param facts null if the webhooks could not be read */
export const ofWebhooks = (facts: WebhookFacts | null): ReadonlyArray<Finding> => {
  if (facts === null || facts.total === 0) return []
  const { locked, total } = facts
  return ofRows(ok("webhooks", "SECRETS_KEY decrypts the secrets of all webhooks."), [
    [
      locked === null,
      "problem",
      "webhooks",
      `SECRETS_KEY is not set: deliveries to webhooks wait, and there are webhooks (${total}).`,
      "Set SECRETS_KEY to the key with which the webhooks were created."
    ],
    [
      locked !== null && locked > 0,
      "problem",
      "webhooks",
      `SECRETS_KEY does not decrypt the secrets of some webhooks (${locked} of ${total}): nothing is sent to them.`,
      "Set SECRETS_KEY to the key with which they were created; if it is lost, delete these webhooks and create them again."
    ]
  ])
}

const toEncrypt = "Use the server's TLS port with smtps:// in SMTP_URL, or turn on STARTTLS at the server."

/** @param facts null without `SMTP_URL` */
export const ofMail = (facts: MailFacts | null): ReadonlyArray<Finding> =>
  facts === null
    ? []
    : ofRows(ok("mail", "The mail server accepts connections and the login of SMTP_URL."), [
        [
          facts._tag === "Failed",
          "problem",
          "mail",
          `The mail server cannot be used (${facts._tag === "Failed" ? facts.error : ""}); mails wait, and are given up after about three days.`,
          "Check that it can be reached from here, and that the host, the port, the user and the password in SMTP_URL are right."
        ],
        [
          facts._tag === "WithoutTls",
          "problem",
          "mail",
          "The mail server offers no TLS (STARTTLS), so the password of SMTP_URL is not sent; mails wait, and are given up after about three days.",
          `${toEncrypt} If the network between this machine and the server is your own, add ?tls=optional to SMTP_URL.`
        ],
        [
          facts._tag === "Ready" && !facts.isEncrypted && !facts.isLocal,
          "warning",
          "mail",
          "The mail server offers no TLS: mails with visitors' data cross the network unencrypted.",
          toEncrypt
        ]
      ])

/** The agents' answers, and how many other instances were not asked. */
export interface AgentsFacts {
  readonly asked: ReadonlyArray<AgentFacts>
  readonly others: number
}

/** What an agent does that does not answer; completes a sentence that begins with the agent. */
const failureOf = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "LockedKey":
      return "has a stored key, or stored fields or headers, that SECRETS_KEY does not decrypt"
    case "NoKey":
      return `needs a key, and the variable ${outcome.variable} is not set here`
    case "Refused": {
      const code = outcome.code === undefined ? "" : `, ${outcome.code}`
      return `refuses ${problemOf(outcome) === "key" ? "the key" : "a question"} (status ${outcome.status}${code})`
    }
    case "Failed":
      return `gives no answer (${outcome.reason})`
    case "Unavailable":
    case "Silent": {
      const fault = Certificate.faultOf(outcome.reason)
      if (fault !== undefined)
        return `has a certificate that was refused (${outcome.reason}): ${Certificate.descriptions[fault]}`
      return problemOf(outcome) === "not-public"
        ? "was set in the console or over the owner API, and its host was not found on the public internet"
        : `does not answer (${outcome.reason})`
    }
    case "Answered":
    case "TokensUsed":
      return "answers"
  }
}

/** What to do, by the problem. `update` is the beginning of the command that changes the instance. */
const adviceOf = (outcome: Outcome, update: string): Readonly<Record<Problem, string>> => {
  const protocol = `Check the protocol and the model: \`${update} --agent-protocol <protocol> --agent-model <name>\``
  const address = `if its address changed: \`${update} --agent-url <url>\`.`
  const isRunning = `Check that it runs and is reachable from here; ${address}`
  const fault = outcome._tag === "Unavailable" ? Certificate.faultOf(outcome.reason) : undefined
  return {
    key: `If the key was entered in the console, enter a valid one there. Otherwise, put a valid key into the variable that the instance names as its agent_key_env, or name another: \`${update} --agent-key-env <name>\`.`,
    "no-key":
      outcome._tag === "NoKey"
        ? `Set ${outcome.variable} in the environment of the service, or name another variable: \`${update} --agent-key-env <name>\`.`
        : "Set SECRETS_KEY to the value with which they were stored, or enter them again in the console.",
    address: `Check the address, which must not redirect, and the model: \`${update} --agent-url <url> --agent-model <name>\`.`,
    "not-public": `Check the address. If it is in your own network, set it with this command, which allows private addresses: \`${update} --agent-url <url>\`.`,
    certificate:
      fault === undefined
        ? isRunning
        : `${Certificate.adviceSentence(fault, "its agent_url").slice(0, -1)}; ${address}`,
    unreachable: isRunning,
    silent: isRunning,
    quota: "Check the quota and the rate limit of the key at the provider, and try again.",
    busy: "It is overloaded or still starting; try again in a moment.",
    request: `${protocol}.`,
    failing: "See the agent's own log.",
    "no-answer": `${protocol}; then see the agent's own log.`,
    "daily-tokens": ""
  }
}

/** The finding of one agent. */
export const ofAgent = ({ instanceId, name, outcome }: AgentFacts): Finding => {
  const agent = `The agent of "${name}" (${instanceId})`
  const problem = problemOf(outcome)
  if (problem === null) return ok("agents", `${agent} answers.`)
  if (problem === "daily-tokens") {
    return ok("agents", `${agent} gets no question until the next day (UTC): its tokens of the day are used up.`)
  }
  const advice = adviceOf(outcome, `${hydracore} instance update --instance ${instanceId}`)[problem]
  return { check: "agents", severity: "problem", finding: `${agent} ${failureOf(outcome)}.`, advice }
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

/** @param facts null if the instances could not be read; then there is no finding */
export const ofAgents = (facts: AgentsFacts | null): ReadonlyArray<Finding> =>
  facts === null
    ? []
    : [
        ...facts.asked.map(ofAgent),
        ...(facts.others === 0
          ? []
          : [ok("agents", `Agents that were not asked: ${facts.others}. --ask <instance_id> or --ask all asks them.`)])
      ]

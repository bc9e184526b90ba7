/**
 * Texts of the problems of a website. They are loaded with the first problem that is shown.
 *
 * @module
 */
import type { Answer } from "../Requests.ts"

type Problem = Answer<"GET /v1/owner/sites/:site_id/health">["problems"][number]

export const title = "Problems"
export const note = "What is wrong with this website now. A problem ends by itself when its cause is gone."
export const none = "Nothing is wrong."

/** What `count` counts. */
const counted: Readonly<Record<Problem["kind"], readonly [one: string, several: string]>> = {
  agent_failed: ["question without an answer", "questions without an answer"],
  webhook_disabled: ["failed attempt", "failed attempts"],
  webhook_failing: ["failed attempt", "failed attempts"],
  mail_failing: ["failed attempt", "failed attempts"],
  tag_silent: ["day without a page view", "days without a page view"],
  origin_refused: ["refused request", "refused requests"],
  form_rules_refuse: ["refused submission", "refused submissions"],
  tokens_used_up: ["refused question", "refused questions"],
  limit_reached: ["refused request", "refused requests"]
}

export const howOften = ({ kind }: Problem, count: string, isOne: boolean): string =>
  `${count} ${counted[kind][isOne ? 0 : 1]}`

export const since = (time: string): string => `since ${time}`
export const last = (time: string): string => `last ${time}`

export const reason = (text: string): string => `The last time: ${text}`

export const allow = "Allow this origin"
export const more = (count: number): string => (count === 1 ? "One more problem" : `${count} more problems`)
export const show = "Show"

/** The pages of the settings on which the next steps are made. */
export const pages = {
  assistants: "Assistants",
  forms: "Forms",
  install: "Install",
  mails: "Mails",
  webhooks: "Webhooks"
} as const

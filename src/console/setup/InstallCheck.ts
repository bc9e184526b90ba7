/**
 * The findings of the live checks of tags, and of the answers of assistants. Pure.
 *
 * @module
 */
import { ago } from "../Format.ts"
import type { Answer } from "../Requests.ts"
import * as Assistants from "../texts/Assistants.ts"
import * as Texts from "../texts/SetUp.ts"

/** What a live check says. */
export interface Finding {
  readonly state: "works" | "fails" | "waits"
  readonly text: string
}

type Activity = Answer<"GET /v1/owner/sites/:site_id/activity">["activity"][number]
type Submission = Pick<
  Answer<"GET /v1/owner/sites/:site_id/submissions">["submissions"][number],
  "page_slug" | "received_at" | "status"
>
type Decisions = Answer<"GET /v1/owner/sites/:site_id/decisions">
type Reason = Decisions["reasons"][number]["reason"]

/** The reasons that a fault of the tag or of the service can have. */
const faults: ReadonlyArray<Reason> = ["foreign-origin", "invalid", "limited", "unavailable"]

/**
 * A success that is older than the refusals does not show that the tag works now. The day of the refusals is known, but not their
 * time, so a success of the same day counts as later.
 *
 * @param day the day of the decisions, in UTC
 */
const findingOf = (
  success: { readonly at: string; readonly text: string } | undefined,
  { none, waiting }: { readonly none: string; readonly waiting: string },
  day: string,
  { reasons }: Pick<Decisions, "reasons">
): Finding => {
  const isRefused = reasons.some(({ count, reason }) => count > 0 && faults.includes(reason))
  if (success === undefined) {
    return isRefused
      ? { state: "fails", text: `${none} ${Texts.install.refusedToday}` }
      : { state: "waits", text: waiting }
  }
  return isRefused && success.at.slice(0, 10) < day
    ? { state: "fails", text: `${success.text} ${Texts.install.refusedToday}` }
    : { state: "works", text: success.text }
}

interface Facts {
  /** Milliseconds since 1970. */
  readonly now: number
  /** What was not counted on the current day, in UTC. */
  readonly decisions: Pick<Decisions, "reasons">
}

const dayOf = (now: number): string => new Date(now).toISOString().slice(0, 10)

const tagTexts = { none: Texts.install.noView, waiting: Texts.install.waitingForTag }
const formTexts = { none: Texts.install.noSubmission, waiting: Texts.install.waitingForForm }

/** @param activity latest first */
export const ofTag = (activity: ReadonlyArray<Activity>, { decisions, now }: Facts): Finding => {
  for (const item of activity) {
    if (item.type !== "pageview" && item.type !== "event") continue
    const success = { at: item.received_at, text: Texts.install.seen(item.path, ago(item.received_at, now)) }
    return findingOf(success, tagTexts, dayOf(now), decisions)
  }
  return findingOf(undefined, tagTexts, dayOf(now), decisions)
}

export const ofForm = (latest: Submission | undefined, { decisions, now }: Facts): Finding => {
  const success = latest && {
    at: latest.received_at,
    text: `${Texts.install.received(latest.page_slug, ago(latest.received_at, now))}${
      latest.status === "quarantined" ? ` ${Texts.install.held}` : ""
    }`
  }
  return findingOf(success, formTexts, dayOf(now), decisions)
}

type Health = Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id/answers">

interface Assistant {
  readonly memory: "edge" | "agent"
  readonly hasToken: boolean
  /** What the person can do if answers fail. */
  readonly step: keyof typeof Assistants.toTry
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * Undefined if nothing fails and the agent keeps the conversations, because the service does not know its answers; and before the first
 * token, because the list of tokens says what comes next.
 */
export const ofAnswers = (
  { answered_at, failed, failing_since }: Health,
  { hasToken, memory, now, step }: Assistant
): Finding | undefined => {
  if (failing_since !== null) {
    return {
      state: "fails",
      text: `${Assistants.failing(failed, ago(failing_since, now))} ${Assistants.toTry[step]}`
    }
  }
  if (memory === "agent") return undefined
  if (answered_at !== null) return { state: "works", text: Assistants.answered(ago(answered_at, now)) }
  return hasToken ? { state: "waits", text: Assistants.noAnswer } : undefined
}

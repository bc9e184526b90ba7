/**
 * Goals: which events and page views of a website are conversions. The shape of a goal, the decisions about it, and the service
 * that stores it.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import { GoalId, type WebsiteConfigId } from "../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import { isStorable } from "../platform/text/Text.ts"
import * as EventLimits from "./EventLimits.ts"

export const kinds = ["event", "page"] as const

export type Kind = (typeof kinds)[number]

/** For documents. */
export const examples = [
  {
    goal_id: GoalId.make("6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"),
    name: "Thank-you page",
    kind: "page",
    value: "/thanks*",
    created_at: "2026-11-01T09:00:00.000Z"
  }
] as const

/** A goal, as the owner API and the commands show it. */
export const Goal = Schema.Struct({
  goal_id: GoalId,
  /** The name in reports, unique within the website. */
  name: Schema.String,
  kind: Schema.Literals(kinds),
  /** The name of an event, or a pattern of a path in which each `*` matches any text, such as `/thanks*`. */
  value: Schema.String,
  created_at: Schema.String.annotate({ format: "date-time" })
}).annotate({ identifier: "Goal", examples })

export type Goal = typeof Goal.Type

/** What a visit must do to reach a goal. */
export type Target = Pick<Goal, "kind" | "value">

/**
 * The maximum number of a website's goals that are read: the oldest count. Larger than what can be created
 * (`Maximums.goals`), because earlier versions created any number.
 */
export const maxCounted = 200

/** The maximum length of a path or a pattern. A report compares it with every path, so its time counts. */
export const maxPath = 500

/** The maximum number of stars in a pattern. It is low because a report matches the pattern with every path. */
export const maxStars = 20

/** Whether a text can be the name of an event. `pageview` cannot: a goal names page views by their path. */
export const isEvent = (text: string): boolean =>
  text.trim() !== "" &&
  text !== EventLimits.pageviewName &&
  text.length <= 2 * EventLimits.limits.name &&
  [...text].length <= EventLimits.limits.name &&
  isStorable(text)

/** Whether a text is a path, or a pattern in which each star matches any text. */
export const isPage = (text: string): boolean =>
  text.length <= maxPath && /^[/*][^?#]*$/.test(text) && text.split("*").length <= maxStars + 1 && isStorable(text)

/** The goals that every website has: what a visit is credited with when a submission is accepted or a chat begins. */
export const leads = { form: "Form submitted", chat: "Chat started" } as const

export type Lead = keyof typeof leads

/** The name of a goal that is created without one, as in Plausible. */
export const defaultName = ({ kind, value }: Target): string => (kind === "event" ? value : `Visit ${value}`)

/**
 * Whether a path matches a pattern, in which each `*` matches any text. Takes time proportional to the path's length times the
 * number of `*`.
 */
export const matchesPath = (pattern: string, path: string): boolean => {
  const parts = pattern.split("*")
  const first = parts[0] ?? ""
  const last = parts.at(-1) ?? ""
  if (parts.length === 1) return path === pattern
  if (path.length < first.length + last.length || !path.startsWith(first) || !path.endsWith(last)) return false
  const end = path.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = path.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** Whether an event or a page view reaches a goal. */
export const matches = (
  goal: Target,
  row: { readonly kind: "event"; readonly name: string } | { readonly kind: "page"; readonly path: string }
): boolean =>
  row.kind === "event"
    ? goal.kind === "event" && goal.value === row.name
    : goal.kind === "page" && matchesPath(goal.value, row.path)

/** The website already has a goal with this name, perhaps one of `leads`, which every website has. */
export class GoalNameTaken extends Schema.TaggedError<GoalNameTaken>()("GoalNameTaken", { goal: Schema.String }) {}

/** The goals of websites. `postgres/Goals.ts` stores them. */
export class Goals extends Context.Service<
  Goals,
  {
    /** Creates a goal. Past visits can reach it too. None if there is no such website. Fails beyond `Maximums.goals`. */
    readonly create: (
      websiteConfigId: WebsiteConfigId,
      goal: Target & Pick<Goal, "name">
    ) => Effect.Effect<Option.Option<Goal>, StorageUnavailable | GoalNameTaken | LimitReached>
    /**
     * The `maxCounted` oldest goals of a website, oldest first, without those that every website has. Only these count in
     * reports.
     */
    readonly list: (websiteConfigId: WebsiteConfigId) => Effect.Effect<ReadonlyArray<Goal>, StorageUnavailable>
    /** What `list` returns, of all websites that have goals. */
    readonly all: Effect.Effect<ReadonlyMap<WebsiteConfigId, ReadonlyArray<Goal>>, StorageUnavailable>
    /** False if the website has no such goal. */
    readonly delete: (websiteConfigId: WebsiteConfigId, goalId: GoalId) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/analytics/Goals") {}

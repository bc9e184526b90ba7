/**
 * Goals: which events and page views of a website are conversions. Pure.
 *
 * @module
 */

export const kinds = ["event", "page"] as const

export type Kind = (typeof kinds)[number]

export interface Goal {
  readonly goalId: string
  readonly websiteConfigId: string
  /** The name in reports, unique within the website. */
  readonly name: string
  readonly kind: Kind
  /** The name of an event, or a pattern of a path in which each `*` matches any text, such as `/thanks*`. */
  readonly value: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/**
 * The maximum number of a website's goals that are read: the oldest count. Larger than what can be created
 * (`Maximums.goals`), because earlier versions created any number.
 */
export const maxCounted = 200

/** The goals that every website has: what a visit is credited with when a submission is accepted or a chat begins. */
export const leads = { form: "Form submitted", chat: "Chat started" } as const

export type Lead = keyof typeof leads

/** The name of a goal that is created without one, as in Plausible. */
export const defaultName = ({ kind, value }: Pick<Goal, "kind" | "value">): string =>
  kind === "event" ? value : `Visit ${value}`

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
  goal: Pick<Goal, "kind" | "value">,
  row: { readonly kind: "event"; readonly name: string } | { readonly kind: "page"; readonly path: string }
): boolean =>
  row.kind === "event"
    ? goal.kind === "event" && goal.value === row.name
    : goal.kind === "page" && matchesPath(goal.value, row.path)

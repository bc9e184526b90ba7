/**
 * What an export of a person's data contains, by kind. Pure.
 *
 * @module
 */
import type { Answer } from "../Requests.ts"

/** The counts of an answer to an erasure, which has no replies; and of an export. */
export type Counts = Partial<Answer<"POST /v1/owner/sites/:site_id/person/erase">> & { readonly replies?: number }

interface Line {
  readonly kind: "submission" | "conversation" | "notification" | "spam_mark" | "account" | "delivery"
  readonly replies?: ReadonlyArray<unknown>
}

const names = {
  submission: "submissions",
  conversation: "conversations",
  notification: "notifications",
  spam_mark: "spam_marks",
  account: "accounts",
  delivery: "deliveries"
} as const satisfies Record<Line["kind"], keyof Counts>

/** The counts of an export, which is a JSON object per line. */
export const countsOf = (ndjson: string): Counts => {
  const counts: { -readonly [Name in keyof Counts]: Counts[Name] } = {}
  const add = (name: keyof Counts, count: number) => {
    if (count > 0) counts[name] = (counts[name] ?? 0) + count
  }
  for (const text of ndjson.split("\n")) {
    if (text === "") continue
    const { kind, replies = [] }: Line = JSON.parse(text)
    add(names[kind], 1)
    add("replies", replies.length)
  }
  return counts
}

export const isNothing = (counts: Counts): boolean => Object.values(counts).every((count) => count === 0)

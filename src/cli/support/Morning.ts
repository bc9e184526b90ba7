/**
 * The text of `site list --morning`. Pure.
 *
 * @module
 */
import type { AttentionList } from "../../activity/OwnerAttentionApi.ts"
import * as Output from "./Output.ts"

type List = typeof AttentionList.Type

type Row = List["sites"][number]

const visitorsOf = ({ visitors }: Row): ReadonlyArray<string> => {
  if (visitors === null) return ["-", "-"]
  const { before, change, visitors: count } = visitors
  if (count + before === 0) return ["0", "-"]
  const signed = change === null ? (count > before ? "new" : "-") : `${change > 0 ? "+" : ""}${change} %`
  return [String(count), signed]
}

const countOf = (count: number | null): string => (count === null ? "-" : String(count))

const problemsOf = ({ problems }: Row): string => (problems ?? []).map(({ kind }) => kind).join(" ") || "-"

/** One row for each website. `none` is what a list without a website says. */
export const text = ({ next, sites }: List, none: string): string => {
  const table = Output.table(
    ["NAME", "VISITORS", "CHANGE", "NEW_LEADS", "UNANSWERED", "PROBLEMS", "LAST_SEEN"],
    sites.map((site) => [
      site.name,
      ...visitorsOf(site),
      countOf(site.unread),
      countOf(site.waiting),
      problemsOf(site),
      Output.time(site.last_seen_at)
    ]),
    none
  )
  return next === null ? table : `${table}\nThere are more websites: raise --limit.\n`
}

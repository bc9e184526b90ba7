/**
 * The filters of the conversations, in the parameters of the address. Pure.
 *
 * @module
 */
import type { Input } from "../Requests.ts"

export const kinds = ["all", "unanswered", "down", "up"] as const
export type Kind = (typeof kinds)[number]

export interface View {
  /** Empty for the first instance. */
  readonly instance: string
  readonly kind: Kind
  /** Empty for all. */
  readonly search: string
}

export const parse = (parameters: Readonly<Record<string, string>>): View => ({
  instance: parameters["instance"] ?? "",
  kind: kinds.find((kind) => kind === parameters["show"]) ?? "all",
  search: parameters["search"] ?? ""
})

/** The parameters of a view, without defaults. */
export const format = ({ instance, kind, search }: View): Readonly<Record<string, string>> => ({
  ...(instance !== "" && { instance }),
  ...(kind !== "all" && { show: kind }),
  ...(search !== "" && { search })
})

type Query = Input<"GET /v1/owner/sites/:site_id/instances/:instance_id/conversations">["query"]

export const toFilter = ({ kind, search }: View): Pick<Query, "search" | "unanswered" | "rating"> => ({
  ...(search !== "" && { search }),
  ...(kind === "unanswered" && { unanswered: "true" as const }),
  ...((kind === "up" || kind === "down") && { rating: kind })
})

export const isNarrow = ({ kind, search }: View): boolean => kind !== "all" || search !== ""

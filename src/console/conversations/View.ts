/**
 * The filters of the conversations, in the parameters of the address. Pure.
 *
 * @module
 */
import { type Days, parseDays } from "../Address.ts"
import type { Input } from "../Requests.ts"

export const kinds = ["all", "unanswered", "down", "up"] as const
export type Kind = (typeof kinds)[number]

export interface View {
  /** Empty for the first instance. */
  readonly instance: string
  readonly kind: Kind
  /** Empty for all. */
  readonly search: string
  /** The days of the latest messages, in the website's time zone; null for all. */
  readonly days: Days | null
}

export const parse = (parameters: Readonly<Record<string, string>>): View => ({
  instance: parameters["instance"] ?? "",
  kind: kinds.find((kind) => kind === parameters["show"]) ?? "all",
  search: parameters["search"] ?? "",
  days: parseDays(parameters["from"] ?? "", parameters["to"] ?? "")
})

/** The parameters of a view, without defaults. */
export const format = ({ days, instance, kind, search }: View): Readonly<Record<string, string>> => ({
  ...(instance !== "" && { instance }),
  ...(kind !== "all" && { show: kind }),
  ...(search !== "" && { search }),
  ...(days !== null && { from: days[0], to: days[1] })
})

type Query = Input<"GET /v1/owner/sites/:site_id/instances/:instance_id/conversations">["query"]

/** The API's parameters for the conversations of a view, for a list and for an export. */
export const toFilter = ({
  days,
  kind,
  search
}: View): Pick<Query, "search" | "unanswered" | "rating" | "from" | "to"> => ({
  ...(search !== "" && { search }),
  ...(kind === "unanswered" && { unanswered: "true" as const }),
  ...((kind === "up" || kind === "down") && { rating: kind }),
  ...(days !== null && { from: days[0], to: days[1] })
})

/** Whether a view hides conversations of its instance. */
export const isFiltered = ({ days, kind, search }: View): boolean => kind !== "all" || search !== "" || days !== null

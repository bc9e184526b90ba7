/**
 * The filters of the inbox, in the parameters of its address. Pure.
 *
 * @module
 */
import { type Days, parseDays } from "../Address.ts"
import type { Input } from "../Requests.ts"

export const folders = ["accepted", "quarantined", "deleted"] as const
export type Folder = (typeof folders)[number]

/** The folders as addresses name them. */
const addressed: Readonly<Record<Folder, string>> = {
  accepted: "accepted",
  quarantined: "quarantine",
  deleted: "deleted"
}

export interface View {
  readonly folder: Folder
  /** Whether read submissions are hidden. */
  readonly isUnreadOnly: boolean
  /** Empty for all. */
  readonly search: string
  /** The `data-page` of a form; empty for all forms. */
  readonly form: string
  /** The days on which submissions were received, in the website's time zone; null for all. */
  readonly days: Days | null
}

export const parse = (parameters: Readonly<Record<string, string>>): View => ({
  folder: folders.find((folder) => addressed[folder] === parameters["folder"]) ?? "accepted",
  isUnreadOnly: parameters["unread"] === "yes",
  search: parameters["search"] ?? "",
  form: parameters["form"] ?? "",
  days: parseDays(parameters["from"] ?? "", parameters["to"] ?? "")
})

/** The parameters of a view, without defaults. */
export const format = ({ days, folder, form, isUnreadOnly, search }: View): Readonly<Record<string, string>> => ({
  ...(folder !== "accepted" && { folder: addressed[folder] }),
  ...(isUnreadOnly && { unread: "yes" }),
  ...(search !== "" && { search }),
  ...(form !== "" && { form }),
  ...(days !== null && { from: days[0], to: days[1] })
})

/** The API's parameters for the submissions of a view, for a list and for an export. */
export const toFilter = ({
  days,
  folder,
  form,
  isUnreadOnly,
  search
}: View): Pick<
  Input<"GET /v1/owner/sites/:site_id/submissions">["query"],
  "status" | "read" | "search" | "page" | "from" | "to"
> => ({
  status: folder,
  ...(isUnreadOnly && { read: "false" as const }),
  ...(search !== "" && { search }),
  ...(form !== "" && { page: form }),
  ...(days !== null && { from: days[0], to: days[1] })
})

/** Whether a view hides submissions of its folder. */
export const isFiltered = ({ days, form, isUnreadOnly, search }: View): boolean =>
  isUnreadOnly || search !== "" || form !== "" || days !== null

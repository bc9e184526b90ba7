/**
 * What the inbox shows, in the parameters of its address. Pure.
 *
 * @module
 */
import type { Input } from "../Requests.ts"

export const folders = ["accepted", "quarantined"] as const
export type Folder = (typeof folders)[number]

export interface View {
  readonly folder: Folder
  readonly isUnread: boolean
  /** Empty for all. */
  readonly search: string
  /** The page of a form; empty for all. */
  readonly form: string
}

export const parse = (parameters: Readonly<Record<string, string>>): View => ({
  folder: parameters["folder"] === "quarantine" ? "quarantined" : "accepted",
  isUnread: parameters["unread"] === "yes",
  search: parameters["search"] ?? "",
  form: parameters["form"] ?? ""
})

/** The parameters of a view, without defaults. */
export const format = ({ folder, form, isUnread, search }: View): Readonly<Record<string, string>> => ({
  ...(folder === "quarantined" && { folder: "quarantine" }),
  ...(isUnread && { unread: "yes" }),
  ...(search !== "" && { search }),
  ...(form !== "" && { form })
})

/** Which submissions a view has, for a list and for an export. */
export const toFilter = ({
  folder,
  form,
  isUnread,
  search
}: View): Pick<Input<"GET /v1/owner/sites/:site_id/submissions">["query"], "status" | "read" | "search" | "page"> => ({
  status: folder,
  ...(isUnread && { read: "false" as const }),
  ...(search !== "" && { search }),
  ...(form !== "" && { page: form })
})

/** Whether a view hides submissions of its folder. */
export const isNarrow = ({ form, isUnread, search }: View): boolean => isUnread || search !== "" || form !== ""

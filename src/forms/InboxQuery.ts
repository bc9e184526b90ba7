/**
 * The query of a list of submissions. Pure.
 *
 * @module
 */
import * as LocalTime from "../core/analytics/report/LocalTime.ts"
import type { Filter } from "./InboxMessage.ts"
import type { Status } from "./Submission.ts"

export interface InboxQuery {
  readonly status?: Status
  readonly read?: "true" | "false"
  /** The slug of the page with the form. */
  readonly page?: string
  readonly search?: string
  /** The first and the last day, `YYYY-MM-DD`, in the website's time zone. */
  readonly from?: string
  readonly to?: string
}

export const toFilter = ({ from, page, read, search, status, to }: InboxQuery, timeZone: string): Filter => ({
  status,
  isRead: read === undefined ? undefined : read === "true",
  pageSlug: page,
  search,
  ...LocalTime.boundsOf({ from, to }, timeZone)
})

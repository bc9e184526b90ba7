/**
 * The query of a list of conversations. Pure.
 *
 * @module
 */
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import type { Filter } from "./Transcript.ts"

export interface TranscriptQuery {
  readonly search?: string
  readonly unanswered?: "true"
  readonly rating?: "up" | "down"
  /** The first and the last day, `YYYY-MM-DD`, in the website's time zone. */
  readonly from?: string
  readonly to?: string
}

export const toFilter = ({ from, rating, search, to, unanswered }: TranscriptQuery, timeZone: string): Filter => ({
  search,
  unanswered: unanswered === "true" ? true : undefined,
  rating,
  ...LocalTime.boundsOf({ from, to }, timeZone)
})

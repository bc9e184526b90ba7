/**
 * Loads the statistics of the overview: those of a website, or of a shared dashboard, which has other endpoints.
 *
 * @module
 */
import type { QueryBody } from "../../analytics/reports/QueryBody.ts"
import { useAddress } from "../Location.ts"
import { type Answer, type Outcome, send } from "../Requests.ts"
import { type Resource, useAnswer } from "../Resource.ts"
import type { Report } from "./Queries.ts"

/** The report of a query; none for null. For `scope`, see `useAnswer`. */
export const useReport = (query: QueryBody | null, scope: string): Resource<Report> => {
  const { share } = useAddress()
  const own = useAnswer("POST /v1/owner/query", share === null && query !== null ? { body: query } : null, scope)
  const shared = useAnswer(
    "POST /v1/owner/shared/query",
    share !== null && query !== null ? { body: query } : null,
    scope
  )
  return share === null ? own : shared
}

/** The report of a query, for a file. */
export const loadReport = (query: QueryBody, isShared: boolean): Promise<Outcome<Report>> =>
  isShared ? send("POST /v1/owner/shared/query", { body: query }) : send("POST /v1/owner/query", { body: query })

/** The visitors of the last five minutes. */
export const useVisitorsNow = (siteId: string): Resource<Answer<"GET /v1/owner/shared/now">> => {
  const { share } = useAddress()
  const params = { site_id: siteId }
  const own = useAnswer("GET /v1/owner/sites/:site_id/now", share === null ? { params } : null, siteId)
  const shared = useAnswer("GET /v1/owner/shared/now", share === null ? null : {}, siteId)
  return share === null ? own : shared
}

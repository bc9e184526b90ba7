/**
 * The members that are empty in most queries of the tests.
 *
 * @module
 */
import type { Query } from "../../src/analytics/reports/Query.ts"

/** A query, or a request, without filters, order, comparison, total rows, time labels or offset. */
export const plain = {
  filters: [],
  orderBy: [],
  comparison: null,
  includeTotalRows: false,
  includeTimeLabels: false,
  offset: 0,
  now: null
} satisfies Partial<Query>

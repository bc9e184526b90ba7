/**
 * The members that most queries of the tests leave empty.
 *
 * @module
 */
import type { Query } from "../../src/core/analytics/report/Query.ts"

/** Members of a query or of a request: no filters, order, comparison, total, time labels and offset. */
export const plain = {
  filters: [],
  orderBy: [],
  comparison: null,
  includeTotalRows: false,
  includeTimeLabels: false,
  offset: 0
} satisfies Partial<Query>

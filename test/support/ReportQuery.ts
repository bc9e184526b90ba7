/**
 * What most queries of the tests have in common.
 *
 * @module
 */
import type { Query } from "../../src/core/analytics/report/Query.ts"

/** A query, or a request of one, without filters, order and additions to its answer. */
export const plain = {
  filters: [],
  orderBy: [],
  comparison: null,
  includeTotalRows: false,
  includeTimeLabels: false,
  offset: 0
} satisfies Partial<Query>

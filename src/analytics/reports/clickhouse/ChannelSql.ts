/**
 * SQL for the channel of a visit, by the rules of `analytics/reports/Channel`. Pure: returns SQL text.
 *
 * @module
 */

import { quoted } from "../../../platform/clickhouse/Literal.ts"
import * as Channel from "../Channel.ts"

/**
 * The expression of a visit's channel. An absent field is empty. ClickHouse's `lower` changes only A to Z, as the rules
 * require.
 */
export const channel = (fields: Readonly<Record<keyof Channel.ChannelFields, string>>): string => {
  const holds = (condition: Channel.Condition): string => {
    if ("all" in condition) return `(${condition.all.map(holds).join(" AND ")})`
    if ("any" in condition) return `(${condition.any.map(holds).join(" OR ")})`
    const field = fields[condition.field]
    return `(${field} != '' AND match(lower(${field}), ${quoted(condition.pattern)}))`
  }
  const rules = Channel.rules.map(([name, rule]) => `${holds(rule)}, ${quoted(name)}`)
  return `multiIf(${rules.join(", ")}, 'Direct')`
}

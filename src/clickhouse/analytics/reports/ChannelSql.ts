/**
 * SQL for the channel of a visit, by the rules of `core/analytics/report/Channel`. Text only.
 *
 * @module
 */
import * as Channel from "../../../core/analytics/report/Channel.ts"

const literal = (text: string): string => `'${text.replace(/['\\]/g, (sign) => `\\${sign}`)}'`

/** The expression of a visit's channel. An absent fact is empty. ClickHouse's `lower` changes only A to Z, as the rules require. */
export const channel = (facts: Readonly<Record<keyof Channel.Facts, string>>): string => {
  const holds = (condition: Channel.Condition): string => {
    if ("all" in condition) return `(${condition.all.map(holds).join(" AND ")})`
    if ("any" in condition) return `(${condition.any.map(holds).join(" OR ")})`
    const fact = facts[condition.fact]
    return `(${fact} != '' AND match(lower(${fact}), ${literal(condition.pattern)}))`
  }
  const rules = Channel.rules.map(([name, rule]) => `${holds(rule)}, ${literal(name)}`)
  return `multiIf(${rules.join(", ")}, 'Direct')`
}

/**
 * Checks a page with axe-core.
 *
 * @module
 */
import { AxeBuilder } from "@axe-core/playwright"
import { assert } from "@effect/vitest"
import type { Page } from "playwright-core"

/** What axe-core finds against WCAG 2.2 A and AA, and against its own good practice. */
export const violations = async (page: Page): Promise<ReadonlyArray<string>> => {
  const results = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze()
  assert.isAbove(results.passes.length, 10)
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`)
  )
}

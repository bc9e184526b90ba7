/**
 * Checks a page with axe-core.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert } from "@effect/vitest"
import type { AxeResults, RunOptions } from "axe-core"
import type { Page } from "playwright-core"

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

const options: RunOptions = {
  runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
  // The elements of the other results are not read.
  resultTypes: ["violations"]
}

/** What axe-core finds against WCAG 2.2 A and AA, and against its own good practice. */
export const violations = async (page: Page): Promise<ReadonlyArray<string>> => {
  assert.lengthOf(page.frames(), 1, "It checks one document.")
  // A page is checked in several states, and gets axe-core once.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(source)
  const results = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`)
  assert.isAbove(results.passes.length, 10)
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`)
  )
}

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

const options = {
  everything: {
    runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }
  },
  colors: { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } }
} satisfies Readonly<Record<string, RunOptions>>

/**
 * What axe-core finds against WCAG 2.2 A and AA, and against its own good practice. `colors` are the rules whose results depend on
 * the color scheme: they suffice for the dark mode of states that are checked in light mode.
 */
export const violations = async (
  page: Page,
  rules: keyof typeof options = "everything"
): Promise<ReadonlyArray<string>> => {
  // A page is checked in several states, and gets axe-core once.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(source)
  const run: RunOptions = {
    ...options[rules],
    // The elements of the other results are not read.
    resultTypes: ["violations"],
    // A document in a frame is checked as a page of its own.
    iframes: false
  }
  const { incomplete, passes, violations } = await page.evaluate<AxeResults>(
    `axe.run(document, ${JSON.stringify(run)})`
  )
  assert.isAbove(passes.length + incomplete.length, rules === "colors" ? 0 : 10, "It has checked something.")
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`))
}

/** The rules to check a color scheme with, after the same states in light mode. */
export const rulesOf = (colorScheme: "light" | "dark") => (colorScheme === "dark" ? "colors" : "everything")

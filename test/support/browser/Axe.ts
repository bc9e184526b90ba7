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

const run = async (page: Page, rules: keyof typeof options): Promise<ReadonlyArray<string>> => {
  // A page is checked in several states, and gets axe-core once.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(source)
  const settings: RunOptions = {
    ...options[rules],
    // The elements of the other results are not read.
    resultTypes: ["violations"],
    // A document in a frame is checked as a page of its own.
    iframes: false
  }
  const { incomplete, passes, violations } = await page.evaluate<AxeResults>(
    `axe.run(document, ${JSON.stringify(settings)})`
  )
  assert.isAbove(passes.length + incomplete.length, rules === "colors" ? 0 : 10, "It has checked something.")
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`))
}

/** The violations of WCAG 2.2 A and AA, and of axe-core's best practices. */
export const violations = (page: Page): Promise<ReadonlyArray<string>> => run(page, "everything")

/**
 * The violations in light mode, and those in dark mode that depend on the color scheme. The open page changes its colors, so no
 * test has to reach a state twice.
 */
export const violationsInBothSchemes = async (page: Page): Promise<ReadonlyArray<string>> => {
  const light = await violations(page)
  await page.emulateMedia({ colorScheme: "dark" })
  assert.isTrue(await page.evaluate<boolean>("matchMedia('(prefers-color-scheme: dark)').matches"))
  const dark = await run(page, "colors")
  await page.emulateMedia({ colorScheme: "light" })
  return [...light, ...dark.map((violation) => `In dark mode: ${violation}`)]
}

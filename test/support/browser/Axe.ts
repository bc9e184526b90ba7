/**
 * Checks a page with axe-core.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert } from "@effect/vitest"
import type { RunOptions } from "axe-core"
import type { Page } from "playwright-core"

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

const colorRules = ["color-contrast", "link-in-text-block"]

/** The rules about the positions and colors of elements. They take most of the processor time of a check. */
const visualRules = [...colorRules, "target-size"]

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

interface Check {
  readonly rules: Pick<RunOptions, "runOnly" | "rules">
  /** The selector of the checked elements. */
  readonly part: string
  /** The minimum number of results, so that a check of nothing fails. */
  readonly least: number
}

const run = async (page: Page, { least, part, rules }: Check): Promise<ReadonlyArray<string>> => {
  // A page that is checked in several states loads axe-core once.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(source)
  const settings: RunOptions = {
    ...rules,
    // Without this, axe-core also collects the elements of the other results, which nothing reads.
    resultTypes: ["violations"],
    // Tests check a document in a frame separately.
    iframes: false
  }
  // Returns only what the caller reads, because the whole results describe every rule and element.
  const { count, failures } = await page.evaluate<{ readonly count: number; readonly failures: ReadonlyArray<string> }>(
    `axe.run(${JSON.stringify(part)}, ${JSON.stringify(settings)}).then(({ incomplete, passes, violations }) => ({
      count: passes.length + incomplete.length,
      failures: violations.flatMap(({ id, nodes }) => nodes.map((node) => id + ": " + node.html + " " + node.failureSummary))
    }))`
  )
  assert.isAtLeast(count, least, "the number of results")
  return failures
}

const byColors = (part: string): Check => ({ rules: { runOnly: { type: "rule", values: colorRules } }, part, least: 1 })

const without = (rules: ReadonlyArray<string>): Check["rules"] => ({
  runOnly: { type: "tag", values: tags },
  rules: Object.fromEntries(rules.map((rule) => [rule, { enabled: false }]))
})

const violationsOfPage = (page: Page): Promise<ReadonlyArray<string>> =>
  run(page, { rules: { runOnly: { type: "tag", values: tags } }, part: "html", least: 11 })

/** The violations of a page that was checked before, and of which only this part looks different now. */
const violationsAfterChange = async (page: Page, part: string): Promise<ReadonlyArray<string>> => [
  ...(await run(page, { rules: without(visualRules), part: "html", least: 10 })),
  ...(await run(page, { rules: { runOnly: { type: "rule", values: visualRules } }, part, least: 2 }))
]

/**
 * The violations of WCAG 2.2 A and AA, and of axe-core's best practices.
 *
 * @param changed the selector of the only part that looks different since the page was last checked
 */
export const violations = (page: Page, changed?: string): Promise<ReadonlyArray<string>> =>
  changed === undefined ? violationsOfPage(page) : violationsAfterChange(page, changed)

/**
 * The violations of a part of a page, such as a dialog, by all rules. A check of all elements takes most of its time for the colors
 * of those behind the part, which other tests check without it.
 */
export const violationsOfPart = (page: Page, part: string): Promise<ReadonlyArray<string>> =>
  run(page, { rules: { runOnly: { type: "tag", values: tags } }, part, least: 4 })

/**
 * The violations of a page that was checked in a window of another width. Its colors are the same there, and so are its elements:
 * what is hidden in one of the widths is the only difference.
 *
 * @param changed the selector of the only part that looks different since the page was last checked
 */
export const violationsInOtherWidth = (page: Page, changed = "html"): Promise<ReadonlyArray<string>> =>
  run(page, { rules: without(colorRules), part: changed, least: changed === "html" ? 10 : 4 })

/**
 * The violations in light mode, and those in dark mode that depend on colors. Changes the color scheme of the open page, so that
 * a test need not bring a page into the same state twice.
 *
 * @param changed the selector of the only part that looks different since the page was last checked
 */
export const violationsInBothSchemes = async (page: Page, changed?: string): Promise<ReadonlyArray<string>> => {
  const light = await violations(page, changed)
  await page.emulateMedia({ colorScheme: "dark" })
  assert.isTrue(await page.evaluate<boolean>("matchMedia('(prefers-color-scheme: dark)').matches"))
  const dark = await run(page, byColors(changed ?? "html"))
  await page.emulateMedia({ colorScheme: "light" })
  return [...light, ...dark.map((violation) => `In dark mode: ${violation}`)]
}

import { globSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { colors, inlined, styleSheet } from "../../../src/platform/design/Design.ts"

/** The relative luminance of a colour (WCAG 2). */
const luminance = (hex: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const contrast = (one: string, other: string): number => {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((first, second) => first - second)
  return (light + 0.05) / (dark + 0.05)
}

type Color = keyof typeof colors

/** What is written in which colour, and on what. */
const written: ReadonlyArray<readonly [texts: ReadonlyArray<Color>, grounds: ReadonlyArray<Color>]> = [
  [
    ["text", "muted", "accent", "good", "bad", "warn", "blue", "amber"],
    ["back", "raised", "soft", "accent-soft"]
  ],
  [["on-accent"], ["accent"]],
  [["on-danger"], ["danger"]],
  [["good"], ["good-soft"]],
  [["bad"], ["bad-soft"]],
  [["warn"], ["warn-soft"]]
]

describe("Design", () => {
  for (const [scheme, name] of ["light", "dark"].entries()) {
    const at = (color: Color): string => colors[color][scheme]!

    it(`can be read in the ${name} scheme`, () => {
      for (const [texts, grounds] of written) {
        for (const text of texts) {
          for (const ground of grounds) {
            assert.isAtLeast(contrast(at(text), at(ground)), 4.5, `${text} on ${ground}`)
          }
        }
      }
      assert.isAtLeast(contrast("#ffffff", at("solid")), 4.5, "white on solid")
    })
  }

  it("has borders in the dark scheme that are seen", () => {
    for (const ground of ["back", "raised"] as const) {
      assert.isAtLeast(contrast(colors.line[1], colors[ground][1]), 1.4, ground)
      assert.isAtLeast(contrast(colors["strong-line"][1], colors[ground][1]), 2.5, ground)
    }
  })

  it("has all colours: no other style sheet of the service names one", () => {
    // The website of the demo is that of a customer, with colours of its own.
    const sheets = globSync([
      "src/console/**/*.css",
      "src/pages/**/*.css",
      "src/browser/**/*{.css,Style.ts}",
      "src/demo/**/*.css"
    ]).filter((file) => !/demo.pages.(site|pages)\.css$/.test(file))
    assert.isAbove(sheets.length, 20)
    for (const file of sheets) {
      assert.notMatch(readFileSync(file, "utf8"), /#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)a?\(/i, file)
    }
  })

  it("declares custom properties, or writes their values in place of them", () => {
    assert.include(styleSheet("/font", "/extension"), `--back: light-dark(${colors.back.join(", ")});`)
    assert.strictEqual(
      inlined("a{color:var(--design-on-accent);top:var(--mine)}"),
      `a{color:light-dark(${colors["on-accent"].join(", ")});top:var(--mine)}`
    )
    assert.throws(() => inlined("a{color:var(--design-nothing)}"), /no "nothing"/)
  })
})

/**
 * Draws measures as an SVG bar chart; a line on each bar shows the range of its samples. Pure and deterministic. The colors
 * follow the reader's light or dark scheme.
 *
 * @module
 */
import { format, type Measure } from "./Measure.ts"
import * as Statistics from "./Statistics.ts"

const width = 760
const labelWidth = 210
const numberWidth = 90
const barHeight = 20
const gap = 8
const titleHeight = 34

const escape = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`).replaceAll(/[^\x20-\u{10FFFF}]/gu, " ")

const coordinate = (value: number): string => String(Math.round(value * 10) / 10)

const style = `text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600}.bar{fill:#8c959f}.own{fill:#0969da}
.range{stroke:#24292f;stroke-width:1.5}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.range{stroke:#e6edf3}
.bar{fill:#6e7681}.own{fill:#4493f8}}`

/** The bars of one measure, from the y coordinate `top` down. */
const group = (measure: Measure, top: number): string => {
  const rows = measure.rows.filter(({ samples }) => samples.length > 0)
  const most = Math.max(...rows.flatMap(({ samples }) => samples), Number.MIN_VALUE)
  const x = (value: number) => labelWidth + (Math.max(0, value) / most) * (width - labelWidth - numberWidth)
  const bars = rows.map(({ contender, samples }, index) => {
    const y = top + titleHeight + index * (barHeight + gap)
    const middle = y + barHeight / 2
    const value = Statistics.median(samples)
    const range =
      samples.length < 2
        ? ""
        : `<line class="range" x1="${coordinate(x(Math.min(...samples)))}" x2="${coordinate(x(Math.max(...samples)))}" y1="${middle}" y2="${middle}"/>`
    return (
      `<text x="${labelWidth - 10}" y="${middle + 4}" text-anchor="end">${escape(contender)}</text>` +
      `<rect class="bar${index === 0 ? " own" : ""}" x="${labelWidth}" y="${y}" width="${coordinate(x(value) - labelWidth)}" height="${barHeight}"/>` +
      range +
      `<text x="${coordinate(x(Math.max(...samples)) + 8)}" y="${middle + 4}">${escape(format(value))}</text>`
    )
  })
  return `<text class="title" x="0" y="${top + 20}">${escape(`${measure.title}, ${measure.unit}`)}</text>${bars.join("")}`
}

/** Draws the measures one below the other. The first row of each is highlighted. */
export const draw = (measures: ReadonlyArray<Measure>): string => {
  let top = 0
  const groups = measures
    .filter((measure) => measure.rows.some(({ samples }) => samples.length > 0))
    .map((measure) => {
      const drawn = group(measure, top)
      top += titleHeight + measure.rows.filter(({ samples }) => samples.length > 0).length * (barHeight + gap) + gap
      return drawn
    })
  const label = escape(measures.map(({ title }) => title).join("; "))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${Math.max(1, top)}" role="img" aria-label="${label}">
<style>${style}</style>
${groups.join("\n")}
</svg>
`
}

/**
 * A small line without axes.
 *
 * @module
 */

const width = 120
const height = 32

/** The distance from the edges, so that the whole line, which is 1.5 pixels wide, is visible. */
const inset = 2

/** The points of the line, as an SVG attribute. Without visitors, it is in the middle, beside the number. Pure. */
export const pointsOf = (values: ReadonlyArray<number>): string => {
  const max = Math.max(...values)
  const step = (width - 2 * inset) / Math.max(values.length - 1, 1)
  return values
    .map((value, index) => {
      const y = max === 0 ? height / 2 : height - inset - (value / max) * (height - 2 * inset)
      return `${(inset + index * step).toFixed(1)},${y.toFixed(1)}`
    })
    .join(" ")
}

export const Sparkline = ({ values }: { readonly values: ReadonlyArray<number> }) => (
  <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
    <polyline points={pointsOf(values)} />
  </svg>
)

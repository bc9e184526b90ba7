/**
 * The console's icons: lines on a grid of 16.
 *
 * @module
 */
import { mark } from "../../platform/design/Design.ts"

const paths = {
  add: "M8 3.500v9M3.500 8h9",
  check: "M3.5 8.5l3 3 6-7",
  mobile: "M5 1.500h6v13H5zM7.500 12h1",
  tablet: "M3 2h10v12H3zM7.500 11.500h1",
  next: "M6.500 4l4 4-4 4",
  chevron: "M4.5 6.500l3.500 3.500 3.500-3.500",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.500 5.500h7v7h-7zM3.500 10.500v-7h7",
  down: "M8 3.500v9M4.500 9l3.500 3.500 3.500-3.500",
  up: "M8 12.500v-9M4.500 7l3.500-3.500 3.500 3.500",
  back: "M9.500 4l-4 4 4 4",
  mail: "M2.500 4h11v8h-11zM2.500 4.500L8 9l5.500-4.500",
  spam: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.800 3.800l8.400 8.400",
  unread: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  trash: "M3 4.500h10M6.500 4.500v-2h3v2M4.500 4.500l.5 9h6l.5-9",
  export: "M8 2.500v7.500M5 7l3 3 3-3M3 11v2.500h10V11",
  person:
    "M8 8a2.750 2.750 0 1 0 0-5.500A2.750 2.750 0 0 0 8 8zM2.750 13.500c.600-2.400 2.600-3.500 5.250-3.500s4.650 1.100 5.250 3.500",
  setup:
    "M2.500 5h5.500M11 5h2.500M2.500 11H5M8 11h5.500M9.500 6.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3zM6.500 12.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3z",
  search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM10.700 10.700L14 14",
  dark: "M13 9.500A5.500 5.500 0 0 1 6.500 3a5.500 5.500 0 1 0 6.500 6.500z",
  light:
    "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.500v1M8 13.500v1M1.500 8h1M13.500 8h1M3.400 3.400l.700.700M11.900 11.900l.700.700M12.600 3.400l-.700.700M4.100 11.900l-.700.700",
  system: "M2.500 3.500h11v7h-11zM6 13h4M8 10.500V13",
  calendar: "M2.500 4h11v9.500h-11zM2.500 7h11M5.500 2.500v3M10.500 2.500v3"
} as const

export type Name = keyof typeof paths

export const Icon = ({ name }: { readonly name: Name }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
)

/** The mark of HydraCore. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
    <path d={mark.lines} stroke-width={mark.strokeWidth} />
    {mark.dots.map(([x, y]) => (
      <circle key={x} cx={x} cy={y} r={mark.dotRadius} />
    ))}
  </svg>
)

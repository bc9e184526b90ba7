/**
 * The chart of a metric over time, with the line of the comparison.
 *
 * For screen readers and keyboards it is a slider over its points. `ChartTable` shows the same points as a table.
 *
 * @module
 */
import { useLayoutEffect, useRef, useState } from "preact/hooks"
import UPlot from "uplot"
import type { Interval, Metric } from "../Address.ts"
import * as Format from "../Format.ts"
import * as Texts from "../Texts.ts"
import * as Theme from "../Theme.ts"
import * as Points from "./Points.ts"
import { Change } from "./Totals.tsx"

interface Props {
  readonly metric: Metric
  /** The name of the metric. */
  readonly name: string
  readonly interval: Interval
  readonly points: ReadonlyArray<Points.Point>
  /** How many points at the end are in the future. */
  readonly futureCount: number
  /** Whether the latest interval that has begun is not over yet. */
  readonly isUnfinished: boolean
  /** Opens the days of the points with the indexes `first` to `last`. Undefined on a shared dashboard, which cannot open them. */
  readonly onOpen: ((first: number, last: number) => void) | undefined
}

/** The sizes in pixels, if a rem is 16 pixels. */
const sizes = {
  height: 300,
  font: 12,
  /** The width of a digit in the labels of the y axis, and the space beside the labels. */
  digit: 7.5,
  gap: 12,
  /** The width of a label of the x axis, and the height of the axis. */
  label: 76,
  axisHeight: 32
}

/** The sizes in pixels at the current size of a rem, because a canvas does not support rem. */
const sizesNow = (): typeof sizes => {
  const scale = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16
  return Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, size * scale])) as typeof sizes
}

/** The colours of the theme, which a canvas does not inherit. */
const inkOf = (element: HTMLElement) => {
  const read = (name: string): string => {
    const probe = element.querySelector<HTMLElement>(`.ink-${name}`)
    return probe === null ? "" : getComputedStyle(probe).color
  }
  return { line: read("line"), before: read("before"), grid: read("grid"), label: read("label") }
}

const sentence = (metric: Metric, interval: Interval, point: Points.Point): string =>
  Texts.chart.point(
    Points.title(interval, point),
    Format.metric(metric, point.value),
    point.before === undefined ? undefined : Format.metric(metric, point.before)
  )

const Tip = ({
  at,
  interval,
  metric,
  name,
  point,
  width
}: {
  readonly at: number
  readonly width: number
  readonly metric: Metric
  readonly name: string
  readonly interval: Interval
  readonly point: Points.Point
}) => {
  const { before, beforeLabel, change, value } = point
  return (
    <div
      class={`tip ${at > width / 2 ? "tip-left" : ""}`}
      ref={(element) => {
        element?.style.setProperty("left", `${at}px`)
      }}
    >
      <p class="muted">{Points.title(interval, point)}</p>
      <p>
        <span>{name}</span>
        <b>{Format.metric(metric, value)}</b>
      </p>
      {before !== undefined && beforeLabel !== undefined && (
        <p class="muted">
          <span>{Format.longLabel(interval, beforeLabel)}</span>
          <b>{Format.metric(metric, before)}</b>
        </p>
      )}
      {Format.toNumber(before) > 0 && <Change metric={metric} value={value} before={before} change={change} />}
    </div>
  )
}

export const Chart = ({ futureCount, interval, isUnfinished, metric, name, onOpen, points }: Props) => {
  const frame = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const [current, setCurrent] = useState<number | null>(null)
  const latest = useRef({ onOpen, points, metric, interval, current })
  latest.current = { onOpen, points, metric, interval, current }
  const last = Math.max(0, points.length - 1 - futureCount)

  // Draws before the page is painted, so that the chart handles a key that is pressed at once.
  useLayoutEffect(() => {
    const element = frame.current
    if (element === null) return
    const isRtl = getComputedStyle(element).direction === "rtl"

    const draw = () => {
      const { current } = latest.current
      plot.current?.destroy()
      const ink = inkOf(element)
      // The solid line ends one point earlier while the last interval is not over; the rest is dotted.
      const solidEnd = isUnfinished && last > 0 ? last - 1 : last
      const isSinglePoint = solidEnd === 0
      const { axisHeight, digit, font, gap, height, label } = sizesNow()
      const max = Math.max(
        ...points.flatMap(({ before, value }) => [Format.toNumber(value), Format.toNumber(before)]),
        0
      )
      const levels = Points.levels(max, metric === "visit_duration")
      const axis = {
        stroke: ink.label,
        font: `${font}px ${getComputedStyle(element).fontFamily}`,
        ticks: { show: false }
      }
      const { clientWidth: width } = element
      const names = levels.map((value) => Format.axis(metric, value))
      const gutter = gap + digit * Math.max(...names.map(({ length }) => length))
      const shown = Points.ticks(points.length, width - gutter, label)
      plot.current = new UPlot(
        {
          width,
          height,
          // The label of the last point is wider than the point.
          padding: [12, shown.at(-1) === points.length - 1 ? 24 : 8, 0, 8],
          legend: { show: false },
          scales: {
            x: {
              time: false,
              dir: isRtl ? -1 : 1,
              range: (_, min, max) => (min === max ? [min - 1, max + 1] : [min, max])
            },
            y: { range: () => [0, levels.at(-1) ?? 1] }
          },
          axes: [
            {
              ...axis,
              size: axisHeight,
              gap: 10,
              grid: { show: false },
              splits: () => [...shown],
              values: (_, splits) =>
                splits.map((index) => Format.shortLabel(interval, latest.current.points[index]?.label ?? ""))
            },
            {
              ...axis,
              side: isRtl ? 1 : 3,
              size: gutter,
              gap,
              grid: { stroke: ink.grid, width: 1 },
              splits: () => [...levels],
              values: () => [...names]
            }
          ],
          series: [
            {},
            { stroke: ink.before, width: 1.5, dash: [4, 4], points: { show: false } },
            {
              stroke: ink.line,
              width: 2,
              fill: ({ bbox: { height, top }, ctx }) => {
                const fading = ctx.createLinearGradient(0, top, 0, top + height)
                fading.addColorStop(0, `rgb(from ${ink.line} r g b / 0.2)`)
                fading.addColorStop(1, `rgb(from ${ink.line} r g b / 0)`)
                return fading
              },
              points: { show: isSinglePoint, size: 7, fill: ink.line }
            },
            { stroke: ink.line, width: 2, dash: [2, 4], points: { show: false } }
          ],
          cursor: {
            y: false,
            // Snaps to the nearest point.
            move: (self, left, top) => [left < 0 ? left : self.valToPos(self.posToIdx(left), "x"), top],
            points: {
              size: 9,
              width: 2,
              stroke: "transparent",
              fill: (_, index) => (index === 1 ? ink.before : ink.line)
            },
            drag: { x: latest.current.onOpen !== undefined, y: false, setScale: false }
          },
          hooks: {
            // A person who reads it with the keyboard stays at the same point.
            ready: [
              () => {
                if (current !== null && document.activeElement === element) show(Math.min(current, last))
              }
            ],
            setCursor: [({ cursor }) => setCurrent(cursor.idx ?? null)],
            setSelect: [
              (self) => {
                if (self.select.width < 8) return
                const ends = [self.select.left, self.select.left + self.select.width].map((left) => self.posToIdx(left))
                self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
                latest.current.onOpen?.(Math.min(...ends), Math.max(...ends))
              }
            ]
          }
        },
        [
          points.map((_, index) => index),
          points.map(({ before }) => (before === undefined ? null : Format.toNumber(before))),
          points.map(({ value }, index) => (index > solidEnd ? null : Format.toNumber(value))),
          points.map(({ value }, index) => (index < solidEnd || index > last ? null : Format.toNumber(value)))
        ],
        element
      )
    }

    draw()
    let isGone = false
    const font = `16px ${getComputedStyle(element).fontFamily}`
    // The canvas keeps the font in which it was drawn.
    if (!document.fonts.check(font)) {
      document.fonts.load(font).then(
        () => isGone || draw(),
        () => {}
      )
    }
    const resizeObserver = new ResizeObserver(() => {
      if (plot.current?.width !== element.clientWidth) draw()
    })
    resizeObserver.observe(element)
    const unsubscribe = Theme.onChange(draw)
    return () => {
      isGone = true
      resizeObserver.disconnect()
      unsubscribe()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [points, metric, interval, last, isUnfinished])

  const show = (index: number) => {
    const self = plot.current
    if (self === undefined) return
    self.setCursor({ left: self.valToPos(index, "x"), top: 0 })
    setCurrent(index)
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const isRtl = frame.current !== null && getComputedStyle(frame.current).direction === "rtl"
    const at = current ?? last
    const next = {
      ArrowLeft: at + (isRtl ? 1 : -1),
      ArrowRight: at + (isRtl ? -1 : 1),
      ArrowDown: at - 1,
      ArrowUp: at + 1,
      PageDown: at - 7,
      PageUp: at + 7,
      Home: 0,
      End: last
    }[event.key]
    if (next !== undefined) {
      event.preventDefault()
      show(Math.min(Math.max(next, 0), last))
    } else if (event.key === "Enter" && current !== null) {
      onOpen?.(current, current)
    } else if (event.key === "Escape") {
      plot.current?.setCursor({ left: -10, top: -10 })
    }
  }

  const point = current === null ? undefined : points[current]
  const at =
    current === null || plot.current === undefined
      ? 0
      : plot.current.valToPos(current, "x") + plot.current.over.offsetLeft
  return (
    <div class="chart">
      <div
        ref={frame}
        class={`plot ${onOpen === undefined ? "" : "openable"}`}
        role="slider"
        tabIndex={0}
        aria-label={Texts.chart.name(name, Texts.chart.intervals[interval])}
        aria-description={onOpen === undefined ? Texts.chart.helpForGuests : Texts.chart.help}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={current ?? last}
        aria-valuetext={sentence(metric, interval, points[current ?? last] ?? points[0]!)}
        onKeyDown={onKeyDown}
        onFocus={() => {
          if (frame.current?.matches(":focus-visible")) show(current ?? last)
        }}
        onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
        onClick={() => {
          if (current !== null && current <= last) onOpen?.(current, current)
        }}
      >
        {["line", "before", "grid", "label"].map((name) => (
          <i key={name} class={`ink ink-${name}`} />
        ))}
      </div>
      {point !== undefined && current !== null && current <= last && (
        <Tip at={at} width={plot.current?.width ?? 0} metric={metric} name={name} interval={interval} point={point} />
      )}
    </div>
  )
}

/**
 * Summarizes CPU profiles of V8. Pure.
 *
 * @module
 */
import { Option, Schema } from "effect"
import { table } from "./Table.ts"

const Profile = Schema.fromJsonString(
  Schema.Struct({
    nodes: Schema.Array(
      Schema.Struct({
        id: Schema.Int,
        callFrame: Schema.Struct({ functionName: Schema.String, url: Schema.String, lineNumber: Schema.Int })
      })
    ),
    samples: Schema.Array(Schema.Int)
  })
)

export interface SelfTime {
  readonly name: string
  /** The path from its package or from `src`, and the line, counted from 1; empty for the runtime's own functions. */
  readonly location: string
  /** The share of the time in which the process was not idle. */
  readonly share: number
}

/** Shortens the URL of a file to the path from its package or from `src`. */
const shortPath = (url: string): string => {
  const packages = url.lastIndexOf("/node_modules/")
  if (packages >= 0) return url.slice(packages + "/node_modules/".length)
  const source = url.lastIndexOf("/src/")
  return source >= 0 ? url.slice(source + 1) : url
}

/**
 * The functions by self time, the largest first, without idle time. Counts samples and ignores the time between them,
 * because a process that waits for a core is sampled late, in the call in which it lost the core.
 */
export const selfTimes = (text: string): Option.Option<ReadonlyArray<SelfTime>> =>
  Option.map(Schema.decodeUnknownOption(Profile)(text), ({ nodes, samples }) => {
    const frames = new Map(nodes.map(({ callFrame, id }) => [id, callFrame]))
    const functions = new Map<string, { readonly name: string; readonly location: string; samples: number }>()
    let busy = 0
    for (const id of samples) {
      const frame = frames.get(id)
      if (frame === undefined || frame.functionName === "(idle)") continue
      busy++
      const location = frame.url === "" ? "" : `${shortPath(frame.url)}:${frame.lineNumber + 1}`
      const name = frame.functionName || "(anonymous)"
      const key = `${name} ${location}`
      const entry = functions.get(key)
      if (entry === undefined) functions.set(key, { name, location, samples: 1 })
      else entry.samples++
    }
    return [...functions.values()]
      .map(({ location, name, samples }) => ({ name, location, share: samples / busy }))
      .toSorted((a, b) => b.share - a.share)
  })

/** The self times added up by file. */
export const byFile = (times: ReadonlyArray<SelfTime>): ReadonlyArray<SelfTime> => {
  const shares = new Map<string, number>()
  for (const { name, location, share } of times) {
    const file = location === "" ? name : location.replace(/:\d+$/, "")
    shares.set(file, (shares.get(file) ?? 0) + share)
  }
  return [...shares].map(([name, share]) => ({ name, location: "", share })).toSorted((a, b) => b.share - a.share)
}

/** The first `count` as a Markdown table. */
export const report = (times: ReadonlyArray<SelfTime>, count: number): string =>
  table(
    ["function", "location", "share of the busy time"],
    times.slice(0, count).map(({ name, location, share }) => [name, location, `${(share * 100).toFixed(1)} %`])
  )

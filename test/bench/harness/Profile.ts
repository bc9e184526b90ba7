/**
 * Reads a CPU profile of V8: which functions the time went to. Pure.
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
    samples: Schema.Array(Schema.Int),
    timeDeltas: Schema.Array(Schema.Finite)
  })
)

export interface SelfTime {
  readonly name: string
  /** The file from its package or from `src` on, and the line, counted from 1; empty for the runtime's own. */
  readonly place: string
  /** The share of the time in which the process was not idle. */
  readonly share: number
}

/** A file as its package or this project names it. */
const fileOf = (url: string): string => {
  const packages = url.lastIndexOf("/node_modules/")
  if (packages >= 0) return url.slice(packages + "/node_modules/".length)
  const source = url.lastIndexOf("/src/")
  return source >= 0 ? url.slice(source + 1) : url
}

/** The functions by their own time, the greatest first; the time in which it was idle is left out. */
export const selfTimes = (text: string): Option.Option<ReadonlyArray<SelfTime>> =>
  Option.map(Schema.decodeUnknownOption(Profile)(text), ({ nodes, samples, timeDeltas }) => {
    const frames = new Map(nodes.map(({ callFrame, id }) => [id, callFrame]))
    const times = new Map<string, { readonly name: string; readonly place: string; micros: number }>()
    let busy = 0
    samples.forEach((id, index) => {
      const frame = frames.get(id)
      if (frame === undefined || frame.functionName === "(idle)") return
      const micros = Math.max(0, timeDeltas[index] ?? 0)
      busy += micros
      const place = frame.url === "" ? "" : `${fileOf(frame.url)}:${frame.lineNumber + 1}`
      const name = frame.functionName || "(anonymous)"
      const key = `${name} ${place}`
      const found = times.get(key)
      if (found === undefined) times.set(key, { name, place, micros })
      else found.micros += micros
    })
    return [...times.values()]
      .map(({ micros, name, place }) => ({ name, place, share: busy === 0 ? 0 : micros / busy }))
      .toSorted((a, b) => b.share - a.share)
  })

/** The same by file. */
export const byFile = (times: ReadonlyArray<SelfTime>): ReadonlyArray<SelfTime> => {
  const shares = new Map<string, number>()
  for (const { name, place, share } of times) {
    const file = place === "" ? name : place.replace(/:\d+$/, "")
    shares.set(file, (shares.get(file) ?? 0) + share)
  }
  return [...shares].map(([name, share]) => ({ name, place: "", share })).toSorted((a, b) => b.share - a.share)
}

/** The first of them as Markdown. */
export const report = (times: ReadonlyArray<SelfTime>, most: number): string =>
  table(
    ["function", "where", "share of the busy time"],
    times.slice(0, most).map(({ name, place, share }) => [name, place, `${(share * 100).toFixed(1)} %`])
  )

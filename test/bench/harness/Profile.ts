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

const placeOf = (url: string, line: number): string => {
  const file = /(?:node_modules\/|\/)((?:src|node:|@?[\w.-]+\/).*)$/.exec(url.replace(/^.*node_modules\//, "node_modules/"))
  return url === "" ? "" : `${url.startsWith("node:") ? url : (file?.[1] ?? url).replace(/^.*\/src\/(?!.*node_modules)/, url.includes("node_modules") ? "$&" : "src/")}:${line + 1}`
}

/** The functions by their own time, the greatest first; the time of `(idle)` and of `(program)`'s waiting is left out. */
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
      const place = placeOf(frame.url, frame.lineNumber)
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

/** The first of them as Markdown. */
export const report = (times: ReadonlyArray<SelfTime>, most: number): string =>
  table(
    ["function", "where", "share of the busy time"],
    times.slice(0, most).map(({ name, place, share }) => [name, place, `${(share * 100).toFixed(1)} %`])
  )

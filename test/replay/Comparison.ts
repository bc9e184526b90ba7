/**
 * Compares the answer that a visitor got with a recording.
 *
 * @module
 */
import type { Expected } from "./Recording.ts"

export interface Outcome {
  /** One sentence for each difference. */
  readonly differences: ReadonlyArray<string>
  readonly characters: number
  readonly sources: number
  readonly activities: ReadonlyArray<string>
  readonly ending: string
}

interface Part {
  readonly type: string
  readonly delta?: string
  readonly url?: string
  readonly errorText?: string
  readonly finishReason?: string
  readonly data?: { readonly activity?: string }
}

/** The parts of a UI message stream; `[DONE]` is the part `DONE`. */
const partsOf = (body: string): ReadonlyArray<Part> =>
  body
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length))
    .map((data) => (data === "[DONE]" ? { type: "DONE" } : JSON.parse(data)))

export const compare = (expected: Expected, answer: { readonly status: number; readonly body: string }): Outcome => {
  const parts = answer.status === 200 ? partsOf(answer.body) : []
  const text = parts.map((part) => part.delta ?? "").join("")
  const urls = parts.flatMap((part) => (part.type === "source-url" ? [part.url ?? ""] : []))
  const activities = parts.flatMap((part) => (part.type === "data-activity" ? [part.data?.activity ?? ""] : []))
  const sentence = parts.find((part) => part.type === "error")?.errorText
  const finish = parts.find((part) => part.type === "finish")?.finishReason
  const differences: Array<string> = []
  const check = (holds: boolean, difference: string) => {
    if (!holds) differences.push(difference)
  }
  check(answer.status === 200, `status ${answer.status}`)
  check(text === expected.text, `the text differs at character ${firstDifference(text, expected.text)}`)
  const missing = expected.citations.filter((url) => !urls.includes(url))
  check(missing.length === 0, `${missing.length} citations are missing`)
  check(!expected.hasReasoning || activities.includes("thinking"), "the reasoning shows no activity")
  check(!expected.hasTools || activities.some((activity) => activity !== "thinking"), "the tools show no activity")
  check(
    (sentence !== undefined) === expected.fails,
    sentence === undefined ? "a failure looks like success" : `an error: ${sentence}`
  )
  check(parts.at(-1)?.type === "DONE", "it has no end")
  return {
    differences,
    characters: text.length,
    sources: urls.length,
    activities: [...new Set(activities)],
    ending: sentence === undefined ? (finish ?? "no end") : `error: ${sentence}`
  }
}

const firstDifference = (left: string, right: string): number => {
  let at = 0
  while (at < left.length && left[at] === right[at]) at++
  return at
}

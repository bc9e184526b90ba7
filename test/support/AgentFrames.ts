/**
 * Frames of an agent's stream, and what a protocol's reader makes of them.
 */
import { Result } from "effect"
import { AnswerReader } from "../../src/agent/AnswerReader.ts"
import type { AgentProtocol } from "../../src/agent/Protocol.ts"
import { protocols } from "../../src/agent/Protocols.ts"
import type { AgentEvent } from "../../src/core/chat/Agent.ts"
import type * as Instance from "../../src/core/chat/Instance.ts"

const ending = (result: ReturnType<AnswerReader["answer"]["end"]>): string =>
  Result.isSuccess(result) ? result.success : result.failure._tag === "Empty" ? "empty" : result.failure.fault

/** What comes of these frames, and how the answer ended: the finish reason, `empty` or a fault. */
export const read = (protocol: Instance.AgentProtocol, ...frames: ReadonlyArray<unknown>) => {
  const reader = new AnswerReader(protocols[protocol])
  const stream = frames.map((frame) => `data: ${typeof frame === "string" ? frame : JSON.stringify(frame)}\n\n`)
  const { events } = reader.read(Buffer.from(stream.join("")))
  reader.readRest()
  const end = ending(reader.answer.end())
  return { events: [...events, ...reader.answer.take()], ending: end }
}

/** The same of a whole answer. Null if it is none. */
export const readWhole = (protocol: AgentProtocol, body: Readonly<Record<string, unknown>>) => {
  const { answer } = new AnswerReader(protocol)
  if (!protocol.readWhole(body, answer)) return null
  const end = ending(answer.end())
  return { events: answer.take(), ending: end }
}

export const textOf = (events: ReadonlyArray<AgentEvent>): string =>
  events.map((event) => (event._tag === "Text" || event._tag === "Refusal" ? event.delta : "")).join("")

export const sourcesOf = (events: ReadonlyArray<AgentEvent>) =>
  events.flatMap((event) => (event._tag === "Source" ? [[event.url, event.title] as const] : []))

/** The tools and the reasoning, in short: `+name` for one that runs, `-name` for one that is done, `~` for reasoning. */
export const activitiesOf = (events: ReadonlyArray<AgentEvent>): string =>
  events
    .flatMap((event) =>
      event._tag === "Tool"
        ? [(event.state === "running" ? "+" : "-") + event.name]
        : event._tag === "Reasoning"
          ? [`~${event.delta}`]
          : []
    )
    .join(" ")

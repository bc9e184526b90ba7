/**
 * Reads frames of an agent's stream with a protocol's reader.
 */

import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import { protocols } from "../../src/chat/agent/AgentClient.ts"
import { AnswerReader } from "../../src/chat/agent/AnswerReader.ts"
import type { AgentProtocol } from "../../src/chat/agent/Protocol.ts"
import type * as Instance from "../../src/chat/Instance.ts"

/** How an answer ended: its finish reason, `empty` or a fault. */
const endingOf = (reader: AnswerReader) => {
  const { events, failure } = reader.end()
  const last = events.at(-1)
  if (failure === undefined) return { events, ending: last?._tag === "Finish" ? last.reason : "no finish" }
  return { events, ending: failure._tag === "AgentBroken" ? failure.reason : "empty" }
}

/** The events of these frames, and how the answer ended. */
export const read = (protocol: Instance.AgentProtocolName, ...frames: ReadonlyArray<unknown>) => {
  const reader = new AnswerReader(protocols[protocol], "text/event-stream")
  const stream = frames.map((frame) => `data: ${typeof frame === "string" ? frame : JSON.stringify(frame)}\n\n`)
  const { events } = reader.read(Buffer.from(stream.join("")), 0)
  const end = endingOf(reader)
  return { events: [...events, ...end.events], ending: end.ending }
}

/** The events of an answer in one JSON text, and how the answer ended; null if it is not an answer of the protocol. */
export const readWhole = (protocol: AgentProtocol, body: Readonly<Record<string, unknown>>) => {
  const reader = new AnswerReader(protocol, "text/event-stream")
  return reader.readWhole(JSON.stringify(body)) ? endingOf(reader) : null
}

export const textOf = (events: ReadonlyArray<AgentEvent>): string =>
  events.map((event) => (event._tag === "Text" || event._tag === "Refusal" ? event.delta : "")).join("")

export const sourcesOf = (events: ReadonlyArray<AgentEvent>) =>
  events.flatMap((event) => (event._tag === "Source" ? [[event.url, event.title] as const] : []))

/** Tools and reasoning in short: `+name` for a running tool, `-name` for a finished one, `~` for reasoning. */
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

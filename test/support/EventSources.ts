/**
 * Reads the source of a chat's events without sending them to a visitor.
 */
import { Effect, Pull } from "effect"
import type { EventSource } from "../../src/chat/EventSource.ts"
import type { AgentEvent } from "../../src/core/chat/agent/Agent.ts"
import type { AgentError } from "../../src/services/chat/AgentStream.ts"

/** All events of a source, for a reader whose buffer is always empty. */
export const collect = (source: EventSource): Effect.Effect<ReadonlyArray<AgentEvent>, AgentError> =>
  Effect.suspend(() => {
    const events: Array<AgentEvent> = []
    const sink = {
      isOver: false,
      isEmpty: true,
      whenEmpty: (callback: () => void) => callback(),
      push: (pushed: Iterable<AgentEvent>) => void events.push(...pushed)
    }
    return Effect.scopedWith((scope) => source(sink, scope)).pipe(
      Pull.catchDone(() => Effect.void),
      Effect.as(events)
    )
  })

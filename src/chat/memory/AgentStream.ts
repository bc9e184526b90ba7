/**
 * An agent that follows a script, for tests and for programs without an agent.
 *
 * @module
 */
import { type Duration, Effect, Layer, Stream } from "effect"
import { type AgentError, AgentStream } from "../AgentStream.ts"
import { type AgentEvent, type AgentRequest, type FinishReason, messageOf } from "../agent/Agent.ts"

/** A request, with the text of its last message, which is the visitor's. */
export type ScriptedRequest = AgentRequest & { readonly message: string }

/** Answers a request. The script must emit events in the order that `AgentStream` documents. */
export type Script = (request: ScriptedRequest) => Stream.Stream<AgentEvent, AgentError>

/** An answer of these texts (empty ones are left out), accepted at once, with `delay` before each text. */
export const texts = (
  list: Iterable<string>,
  options: { readonly reason?: FinishReason; readonly delay?: Duration.Input } = {}
): Stream.Stream<AgentEvent> => {
  const deltas = Stream.fromIterable(list).pipe(
    Stream.filter((delta) => delta !== ""),
    Stream.map((delta): AgentEvent => ({ _tag: "Text", delta }))
  )
  const { delay } = options
  return Stream.succeed<AgentEvent>({ _tag: "Accepted" }).pipe(
    Stream.concat(
      delay === undefined ? deltas : Stream.mapEffect(deltas, (text) => Effect.delay(Effect.succeed(text), delay))
    ),
    Stream.concat(Stream.succeed<AgentEvent>({ _tag: "Finish", reason: options.reason ?? "stop" }))
  )
}

/** The layer: every request runs the script. */
export const layer = (script: Script): Layer.Layer<AgentStream> =>
  Layer.succeed(
    AgentStream,
    AgentStream.of({ stream: (request) => script({ ...request, message: messageOf(request) }) })
  )

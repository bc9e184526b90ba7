/**
 * Reads Server-Sent Events as WHATWG writes them, from bytes that may be split anywhere.
 *
 * @module
 */
import { Array as Arr, Effect, type Pull, Stream } from "effect"
import { Sse } from "effect/encoding"

/**
 * The events of a stream of bytes. How the bytes are cut into pieces does not matter. Comments, `retry:` and unknown
 * fields are skipped, and what follows the last blank line is dropped. An event (or a line) of more than `maxEventSize`
 * UTF-16 units fails the stream, after the events before it.
 */
export const events =
  (options: { readonly maxEventSize: number }) =>
  <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Sse.Event, E | Sse.SseError, R> =>
    Stream.transformPull(Stream.decodeText(bytes), (pull) =>
      Effect.sync(() => {
        let parsed: Array<Sse.Event> = []
        let fault: Sse.SseError | undefined
        const parser = Sse.makeParser((event) => {
          if (event._tag === "Event") parsed.push(event)
        }, options)

        return Effect.suspend(function next(): Pull.Pull<Arr.NonEmptyReadonlyArray<Sse.Event>, E | Sse.SseError> {
          if (fault !== undefined) return Effect.fail(fault)
          return Effect.flatMap(pull, (texts) => {
            for (const text of texts) {
              fault = parser.feed(text)
              if (fault !== undefined) break
            }
            if (!Arr.isArrayNonEmpty(parsed)) return next()
            const out = parsed
            parsed = []
            return Effect.succeed(out)
          })
        })
      })
    )

/**
 * Sends a website's data as a file, at the pace of its reader.
 *
 * A website has one export at a time, and a process four (`SiteSlots`). Of all exports, one at a time reads and formats its next
 * part: together they take no longer, and visitors' requests wait for one part only. An export that searches long for its next
 * rows, such as with a filter that few rows match, leaves its turn to the others meanwhile. An export whose client reads
 * nothing ends with its connection (`platform/http/Connections`).
 *
 * @module
 */
import { Context, Effect, Layer, type Scope, Semaphore, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { AnyAuthorizedSite } from "./Access.ts"
import { type Refused, SiteSlots } from "./SiteSlots.ts"

export interface File {
  readonly name: string
  readonly contentType: string
}

export class Exports extends Context.Service<
  Exports,
  {
    /** Begins an export of a website, which ends with the request. */
    readonly begin: (proof: AnyAuthorizedSite) => Effect.Effect<void, Refused, Scope.Scope>
    /** Reads each array of a stream in turn with the other exports. */
    readonly inTurn: <A, E>(stream: Stream.Stream<A, E>) => Stream.Stream<A, E>
    /** The file with these lines. Each array of the stream is a chunk of the response. */
    readonly file: <E>(lines: Stream.Stream<string, E>, file: File) => HttpServerResponse.HttpServerResponse
  }
>()("hydracore/sites/access/Exports") {}

/** A part commonly takes a few milliseconds. */
const longestTurn = "1 second"

export const layer: Layer.Layer<Exports, never, SiteSlots> = Layer.effect(
  Exports,
  Effect.gen(function* () {
    const { exports } = yield* SiteSlots
    const turn = yield* Semaphore.make(1)
    /** Takes the turn until the scope closes, or until `longestTurn` has passed. */
    const takeTurn = Effect.gen(function* () {
      let isHeld = true
      const leave = Effect.suspend(() => {
        if (!isHeld) return Effect.void
        isHeld = false
        return turn.release(1)
      })
      yield* Effect.acquireRelease(turn.take(1), () => leave, { interruptible: true })
      yield* Effect.forkScoped(Effect.andThen(Effect.sleep(longestTurn), leave))
    })
    const inTurn: Exports["Service"]["inTurn"] = (stream) =>
      Stream.transformPull(stream, (pull) => Effect.succeed(Effect.scoped(Effect.andThen(takeTurn, pull))))
    return {
      begin: ({ site }) => exports.hold(site.websiteConfigId),
      inTurn,
      file: (lines, { contentType, name }) =>
        HttpServerResponse.stream(
          lines.pipe(
            Stream.mapArray((chunk) => [chunk.join("")]),
            inTurn,
            Stream.encodeText
          ),
          { contentType, headers: { "content-disposition": `attachment; filename="${name}"` } }
        )
    }
  })
)

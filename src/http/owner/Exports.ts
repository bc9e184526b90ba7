/**
 * Sends a website's data as a file, at the pace of its reader.
 *
 * A website has one export at a time, and a process four (`SiteSlots`). Of all exports, one at a time reads and formats its next
 * part: together they take no longer, and visitors' requests wait for one part only. An export whose client reads nothing for a
 * while ends with its connection (`http/server/UnreadResponses`).
 *
 * @module
 */
import { Context, Effect, Layer, type Scope, Semaphore, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { AuthorizedSite } from "../../core/sites/Access.ts"
import { type Refused, SiteSlots } from "./SiteSlots.ts"

export interface File {
  readonly name: string
  readonly contentType: string
}

export class Exports extends Context.Service<
  Exports,
  {
    /** Begins an export of a website, which ends with the request. */
    readonly begin: (proof: AuthorizedSite<"read">) => Effect.Effect<void, Refused, Scope.Scope>
    /** Reads each array of a stream while no other export reads. */
    readonly inTurn: <A, E>(stream: Stream.Stream<A, E>) => Stream.Stream<A, E>
    /** The file with these lines. Each array of the stream is a chunk of the response. */
    readonly file: <E>(lines: Stream.Stream<string, E>, file: File) => HttpServerResponse.HttpServerResponse
  }
>()("hydracore/http/owner/Exports") {}

export const layer: Layer.Layer<Exports, never, SiteSlots> = Layer.effect(
  Exports,
  Effect.gen(function* () {
    const { exports } = yield* SiteSlots
    const turn = yield* Semaphore.make(1)
    const inTurn: Exports["Service"]["inTurn"] = (stream) =>
      Stream.transformPull(stream, (pull) => Effect.succeed(turn.withPermit(pull)))
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

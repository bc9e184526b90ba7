/**
 * A website with an edge, for tests. The website, the relay to the edge and the edge have three different origins.
 *
 * @module
 */
import { Effect } from "effect"
import { paths, TestServer } from "../TestServer.ts"
import { until } from "../Wait.ts"
import { Chromium, type VisitorOptions } from "./Browser.ts"
import * as Network from "./Network.ts"

export interface View {
  readonly site_id: string
  readonly page_path: string
  readonly referrer: string
  readonly screen_width: number
}

/** A website on `host`, its edge behind a relay, and a visitor. */
export const make = Effect.fnUntraced(function* (
  options: VisitorOptions & {
    readonly host?: string
    /** The prefix of paths that the website forwards to the edge. */
    readonly forwards?: string
  } = {}
) {
  const { forwards, host = "www.shop.test", ...visitorOptions } = options
  const edge = yield* TestServer
  const relay = yield* Network.listen({ host: "edge.test", forward: { "": edge.url } })
  const pages: Record<string, string | Network.Document> = {}
  const site = yield* Network.listen({ host, pages, forward: forwards === undefined ? {} : { [forwards]: edge.url } })
  const visitor = yield* (yield* Chromium).visitor(visitorOptions)
  const { page } = visitor
  const views = (): ReadonlyArray<View> => relay.of(paths.track).map(({ body }) => JSON.parse(body) as unknown as View)
  const evaluate = (script: string) => Effect.promise(() => page.evaluate(script))
  let fences = 0
  return {
    ...visitor,
    edge,
    relay,
    site,
    pages,
    /** The script tag. */
    script: (attributes = "") =>
      `<script defer src="${relay.url}/v1/public/embed.js" data-site="${edge.trackingToken}" ${attributes}></script>`,
    views,
    viewed: () => views().map(({ page_path }) => page_path),
    evaluate,
    /** Sends a request through the relay and waits until it arrives there, so that the requests before it have arrived. */
    fence: Effect.suspend(() => {
      const mark = `/fence-${++fences}`
      return Effect.andThen(
        evaluate(`fetch("${relay.url}${mark}").then(() => {})`),
        until(mark, () => relay.of(mark, "GET").length > 0)
      )
    })
  }
})

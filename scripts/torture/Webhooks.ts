/**
 * Receivers of webhooks that record what arrives, and clients that submit forms.
 *
 * @module
 */
import { Agent, type RequestListener } from "node:http"
import { setTimeout } from "node:timers/promises"
import { Effect, Layer, Option, Redacted, type Scope } from "effect"
import * as Webhooks from "../../src/delivery/postgres/Webhooks.ts"
import { Webhooks as Service } from "../../src/delivery/Webhook.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Database from "../../src/platform/postgres/Database.ts"
import * as TestReceiver from "../../test/support/Receiver.ts"
import * as Load from "./Load.ts"

/** The key that encrypts the webhooks' secrets, for `SECRETS_KEY`. */
export const secretsKey = "5a".repeat(32)

export interface Receiver {
  readonly url: string
  /** Such as `127.0.0.1:4711`, for `WEBHOOK_ALLOW`. */
  readonly host: string
  /** When each submission arrived first, on the monotonic clock. */
  readonly arrivals: ReadonlyMap<string, number>
  /** The ids of each submission's events. */
  readonly events: ReadonlyMap<string, ReadonlySet<string>>
  /** The number of requests. */
  readonly requests: () => number
}

/** A receiver that answers with `respond`, or with 204; it ends with the scope. */
export const receiver = Effect.fnUntraced(function* (
  respond: RequestListener = (_, response) => void response.writeHead(204).end()
): Effect.fn.Return<Receiver, never, Scope.Scope> {
  const arrivals = new Map<string, number>()
  const events = new Map<string, Set<string>>()
  const { port, received } = yield* TestReceiver.receiver((request, response) => {
    const { data } = JSON.parse(received.at(-1)?.body ?? "") as { readonly data: { submission_id: string } }
    const id = data.submission_id
    if (!arrivals.has(id)) arrivals.set(id, performance.now())
    events.set(id, (events.get(id) ?? new Set()).add(String(request.headers["webhook-id"])))
    respond(request, response)
  })
  const host = `127.0.0.1:${port}`
  return { url: `http://${host}/`, host, arrivals, events, requests: () => received.length }
})

/** Creates a webhook for each URL. */
export const create = (database: string, websiteConfigId: string, urls: ReadonlyArray<string>): Effect.Effect<void> =>
  Service.use((webhooks) =>
    Effect.forEach(
      urls,
      (url) =>
        webhooks.create(WebsiteConfigId.make(websiteConfigId), {
          url,
          events: [],
          format: "standard"
        }),
      {
        discard: true
      }
    )
  ).pipe(
    Effect.provide(
      Webhooks.layer({
        secretsKey: Option.some(Redacted.make(Buffer.from(secretsKey, "hex")))
      }).pipe(Layer.provide(Database.layer({ url: Redacted.make(database), connections: 1 })))
    ),
    Effect.orDie
  )

export interface Submissions {
  /** When each submission was acknowledged, on the monotonic clock. */
  readonly acknowledged: ReadonlyMap<string, number>
  /** Stops submitting and waits for the responses. */
  readonly stop: Effect.Effect<void>
}

/** Clients that submit forms until they are stopped, or until `limit` forms are acknowledged. `url` is read per request. */
export const submit = (options: {
  readonly url: () => string
  /** The websites, to which the forms go in turn. */
  readonly websites: ReadonlyArray<string>
  readonly clients: number
  readonly limit?: number
  /** Submissions per second of all clients together; without it, as fast as they are answered. */
  readonly perSecond?: number
}): Effect.Effect<Submissions, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { clients, limit = Number.POSITIVE_INFINITY, perSecond = Number.POSITIVE_INFINITY, url } = options
      const agent = new Agent({ keepAlive: true, maxSockets: clients })
      const acknowledged = new Map<string, number>()
      const startedAt = performance.now()
      let [begun, going] = [0, true]
      const bodies = options.websites.map((id) => JSON.stringify({ site_id: id, form_data: { message: "Hello" } }))
      const client = async (): Promise<void> => {
        while (going && acknowledged.size < limit) {
          const body = bodies[begun % bodies.length] ?? ""
          // Waits until this form is due.
          await setTimeout(Math.max(0, startedAt + (begun++ * 1000) / perSecond - performance.now()))
          try {
            const { body: answer, status } = await Load.post(agent, `${url()}/v1/public/forms/submit`, body)
            if (status === 200) acknowledged.set(JSON.parse(answer).submission_id, performance.now())
          } catch (error) {
            if (!(error instanceof Load.NoAnswer)) throw error
            begun--
            await setTimeout(20)
          }
        }
      }
      const all = Promise.all(Array.from({ length: clients }, client)).finally(() => agent.destroy())
      return {
        acknowledged,
        stop: Effect.promise(async () => {
          going = false
          await all
        })
      }
    }),
    ({ stop }) => stop
  )

/**
 * How many acknowledged submissions did not arrive, how many submissions arrived as more than one event, and how many requests
 * repeated one that had arrived.
 */
export const account = ({ acknowledged }: Submissions, { arrivals, events, requests }: Receiver) => ({
  lost: [...acknowledged.keys()].filter((id) => !arrivals.has(id)).length,
  doubled: [...events.values()].filter(({ size }) => size > 1).length,
  "sent again": requests() - arrivals.size
})

/** Milliseconds from the acknowledgement of each submission to its arrival, shortest first. */
export const delays = ({ acknowledged }: Submissions, { arrivals }: Receiver): ReadonlyArray<number> =>
  [...acknowledged]
    .flatMap(([id, at]) => {
      const arrived = arrivals.get(id)
      return arrived === undefined ? [] : [Math.max(0, arrived - at)]
    })
    .sort((left, right) => left - right)

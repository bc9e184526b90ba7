/**
 * Clients that send page views and forms, as fast as they are answered or at a pace, and record each outcome.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Agent, request } from "node:http"
import { setTimeout } from "node:timers/promises"
import { Effect, type Scope } from "effect"
import type { Entry, Ledger, Outcome } from "./Ledger.ts"

/** A scenario's load. */
export interface Paced {
  /** Milliseconds between a client's requests. Without it, the clients take all processor time that the fault leaves. */
  readonly pace?: number
}

/** A pace for `npm test`, at which 16 clients send a request every three milliseconds while processes start and end. */
export const moderate: Paced = { pace: 40 }

/** The ids that the clients send to. */
export interface Target {
  readonly trackingToken: string
  readonly websiteConfigId: string
  readonly instanceId: string
  readonly widgetToken: string
}

/** A browser's User-Agent, since without one a view counts as a bot's. */
export const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | Array<string>>
  readonly body: string
}

/** A request without a complete response. `sent` is false if the connection failed. */
export class NoAnswer extends Error {
  readonly sent: boolean
  readonly code: string
  constructor(code: string, sent: boolean) {
    super(code)
    this.code = code
    this.sent = sent
  }
}

/** Sends one request and returns the complete response; rejects with a `NoAnswer`. */
const send = (
  agent: Agent,
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: string | Buffer
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      reject(new NoAnswer(error.code ?? "unknown", error.code !== "ECONNREFUSED"))
    const sent = request(url, { agent, method, headers: { "user-agent": browser, ...headers } }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (part: string) => {
        text += part
      })
      response.on("error", fail)
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    sent.on("error", fail)
    sent.end(body)
  })

/** Sends one POST. */
export const post = (
  agent: Agent,
  url: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {}
): Promise<Answer> => send(agent, url, "POST", { "content-type": "application/json", ...headers }, body)

/** Sends one GET. */
export const get = (agent: Agent, url: string): Promise<Answer> => send(agent, url, "GET", {})

const outcomeOf = (status: number): Outcome =>
  status === 200 || status === 204 ? "acknowledged" : status >= 500 ? "unavailable" : "refused"

const submissionIdOf = (body: string): string | undefined => {
  const read: unknown = body === "" ? undefined : JSON.parse(body)
  return typeof read === "object" && read !== null && "submission_id" in read && typeof read.submission_id === "string"
    ? read.submission_id
    : undefined
}

/** The address of a visitor, by its number. */
export const addressOf = (visitor: number): string => [10, visitor >> 16, (visitor >> 8) & 255, visitor & 255].join(".")

export interface Load {
  readonly ledger: Ledger
  /** The prefix of the marks of this load's page views and forms. */
  readonly run: string
  /** The number of responses so far, by status. */
  readonly answered: () => number
  readonly acknowledged: () => number
  /** Connection errors, by code. */
  readonly faults: ReadonlyMap<string, number>
  /** Stops sending and waits for all responses. */
  readonly stop: Effect.Effect<void>
}

/**
 * Starts the clients; they end with the scope. `url` is evaluated per request, so that a service may restart at another
 * address. Every fifth request is a form. A client whose connection failed retries after a short delay.
 */
export const start = (options: {
  readonly url: () => string
  readonly target: Target
  readonly clients: number
  /** Milliseconds between a client's requests. Default: 0. */
  readonly pace?: number | undefined
  /** Whether clients keep their connections alive; otherwise each request has its own. */
  readonly keepAlive?: boolean
  /** Whether each request comes from another visitor, by X-Forwarded-For. */
  readonly visitors?: boolean
}): Effect.Effect<Load, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { clients, keepAlive = true, pace = 0, target, url, visitors = false } = options
      const agent = new Agent({ keepAlive, maxSockets: clients })
      const run = randomUUID().slice(0, 8)
      const ledger: Ledger = new Map()
      const faults = new Map<string, number>()
      let [answered, acknowledged, number, going] = [0, 0, 0, true]

      const headers = (visitor: number) => (visitors ? { "x-forwarded-for": addressOf(visitor) } : {})
      const one = async (): Promise<void> => {
        const kind = ++number % 5 === 0 ? "form" : "view"
        const mark = `${run}-${number}`
        const begun = performance.now()
        const note = (entry: Omit<Entry, "kind" | "millis">) =>
          ledger.set(mark, { kind, millis: performance.now() - begun, ...entry })
        try {
          const { body, status } = await (kind === "view"
            ? post(
                agent,
                `${url()}/v1/public/analytics/track`,
                JSON.stringify({ site_id: target.trackingToken, page_path: `/${mark}` }),
                headers(number)
              )
            : post(
                agent,
                `${url()}/v1/public/forms/submit`,
                JSON.stringify({ site_id: target.websiteConfigId, form_data: { mark } }),
                headers(number)
              ))
          answered++
          const outcome = outcomeOf(status)
          if (outcome === "acknowledged") acknowledged++
          note({ outcome, status, submissionId: kind === "form" && status === 200 ? submissionIdOf(body) : undefined })
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error
          faults.set(error.code, (faults.get(error.code) ?? 0) + 1)
          note({ outcome: error.sent ? "cut" : "unsent", status: undefined, submissionId: undefined })
          await setTimeout(20)
        }
      }
      const client = async (): Promise<void> => {
        while (going) {
          await one()
          if (pace > 0) await setTimeout(pace)
        }
      }
      const all = Promise.all(Array.from({ length: clients }, client)).finally(() => agent.destroy())
      return {
        ledger,
        run,
        faults,
        answered: () => answered,
        acknowledged: () => acknowledged,
        stop: Effect.promise(async () => {
          going = false
          await all
        })
      }
    }),
    (load) => load.stop
  )

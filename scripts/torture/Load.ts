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

/** How fast the clients of a scenario send. */
export interface Paced {
  /** Milliseconds from a response to the client's next request. Without a pace, clients send as fast as they are answered. */
  readonly pace?: number
}

/**
 * The pace in `npm test`: 16 clients send at most 400 requests per second, so that processes can start and end meanwhile.
 */
export const moderate: Paced = { pace: 40 }

/** The ids that the clients' requests name, and the token of the chats. */
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

/** A request without a complete response. `sent` is false only if the connection was refused. */
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
    const outgoing = request(url, { agent, method, headers: { "user-agent": browser, ...headers } }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (part: string) => {
        text += part
      })
      response.on("error", fail)
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    outgoing.on("error", fail)
    outgoing.end(body)
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

/** The IP address of the visitor with this number. */
export const addressOf = (visitor: number): string => [10, visitor >> 16, (visitor >> 8) & 255, visitor & 255].join(".")

export interface Load {
  readonly ledger: Ledger
  /** The prefix of the marks of this load's page views and forms. */
  readonly run: string
  /** The number of complete responses so far. */
  readonly answered: () => number
  readonly acknowledged: () => number
  /** The number of requests without a complete response, by the code of the connection's error. */
  readonly connectionErrors: ReadonlyMap<string, number>
  /** Stops sending and waits for all responses. */
  readonly stop: Effect.Effect<void>
}

/**
 * Starts the clients; they end with the scope. `url` is evaluated per request, so that a service may restart at another URL.
 * Every fifth request is a form. After a request without a complete response, a client waits a moment before it sends the next.
 */
export const start = (options: {
  readonly url: () => string
  readonly target: Target
  readonly clients: number
  /** Milliseconds from a response to the client's next request. Default: 0. */
  readonly pace?: number | undefined
  /** Whether clients keep their connections alive; otherwise each request has a connection of its own. */
  readonly keepAlive?: boolean
  /** Whether each request names another visitor in X-Forwarded-For. */
  readonly distinctVisitors?: boolean
}): Effect.Effect<Load, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { clients, keepAlive = true, pace = 0, target, url, distinctVisitors = false } = options
      const agent = new Agent({ keepAlive, maxSockets: clients })
      const run = randomUUID().slice(0, 8)
      const ledger: Ledger = new Map()
      const connectionErrors = new Map<string, number>()
      let [answered, acknowledged, number, isRunning] = [0, 0, 0, true]

      const headers = (visitor: number) => (distinctVisitors ? { "x-forwarded-for": addressOf(visitor) } : {})
      const sendNext = async (): Promise<void> => {
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
          connectionErrors.set(error.code, (connectionErrors.get(error.code) ?? 0) + 1)
          note({ outcome: error.sent ? "cut" : "unsent", status: undefined, submissionId: undefined })
          await setTimeout(20)
        }
      }
      const client = async (): Promise<void> => {
        while (isRunning) {
          await sendNext()
          if (pace > 0) await setTimeout(pace)
        }
      }
      const all = Promise.all(Array.from({ length: clients }, client)).finally(() => agent.destroy())
      return {
        ledger,
        run,
        connectionErrors,
        answered: () => answered,
        acknowledged: () => acknowledged,
        stop: Effect.promise(async () => {
          isRunning = false
          await all
        })
      }
    }),
    (load) => load.stop
  )

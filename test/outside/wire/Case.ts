/**
 * Cases of the wire: what a client sends, in the order in which it sends it. Each response is compared with the golden of the case.
 *
 * @module
 */
import type { Assistant, Edge } from "./Edge.ts"
import { exchange, type Request, type Response } from "./Http.ts"
import * as Transcript from "./Transcript.ts"

/** A client with an address of its own, so that no case uses up another's rate limit. */
export interface Client {
  readonly edge: Edge
  /**
   * Sends a request, and writes it with its response into the transcript. The response ends with the connection, or when `until`
   * holds for what has arrived.
   */
  readonly send: (request: Request, until?: (received: string) => boolean) => Promise<Response>
  /** Sends a request that is not in the transcript. */
  readonly sendUnseen: (request: Request, until?: (received: string) => boolean) => Promise<Response>
  /** Gives a value a name, under which it stands in the transcript. */
  readonly name: (value: string, name: string) => void
}

export type Case = readonly [name: string, run: (client: Client) => Promise<unknown>]

export interface Group {
  /** The name of the file of the goldens. */
  readonly name: string
  readonly cases: ReadonlyArray<Case>
}

export const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

/** The headers that scripts of other origins may read. */
const exposed =
  "RateLimit,RateLimit-Policy,Retry-After,Content-Type,Cache-Control,X-Accel-Buffering,X-Vercel-AI-UI-Message-Stream,X-Error-Id,X-HydraCore-Decision,X-HydraCore-Conversation,X-Should-Retry"

export const unknownId = "00000000-0000-4000-8000-000000000000"

export const json = { "content-type": "application/json" }

export const tokenOf = ({ token }: Assistant) => ({ "x-widget-token": token })

const namesOf = (edge: Edge): ReadonlyArray<readonly [value: string, name: string]> => [
  [edge.shop.website_config_id, "website_config_id"],
  [edge.shop.tracking_token, "tracking_token"],
  [edge.guarded.website_config_id, "guarded website_config_id"],
  [edge.guarded.tracking_token, "guarded tracking_token"],
  ...(["remembering", "forgetful", "reserved", "thrifty"] as const).flatMap((name) => [
    [edge[name].id, `${name} instance`] as const,
    [edge[name].token, `${name} token`] as const
  ]),
  [unknownId, "unknown id"],
  [browser, "a browser"],
  [exposed, "what a script needs"]
]

let visitors = 0

/** Runs a case. Returns its transcript, and what was exchanged. */
export const transcriptOf = async (edge: Edge, [name, run]: Case) => {
  const names = new Map(namesOf(edge))
  const normalize = Transcript.normalizer(() => names)
  const address = `198.51.${100 + (++visitors >> 8)}.${visitors & 255}`
  const exchanges: Array<{ readonly request: Request; readonly response: Response }> = []
  const fromVisitor = (request: Request): Request => ({
    ...request,
    headers: { "x-forwarded-for": address, ...request.headers }
  })
  await run({
    edge,
    send: async (request, until) => {
      const response = await exchange(edge.url, fromVisitor(request), until)
      exchanges.push({ request, response })
      return response
    },
    sendUnseen: (request, until) => exchange(edge.url, fromVisitor(request), until),
    name: (value, name) => void names.set(value, name)
  })
  // At the end, when all values have their names.
  const lines = exchanges.map(({ request, response }) => Transcript.exchange(request, response, normalize))
  return { text: `# ${name}\n\n${lines.join("\n\n")}\n`, exchanges }
}

/**
 * Sends the requests of the checks to a service.
 *
 * @module
 */
import { CheckFailed, expect, type HttpResponse, origin, shorten } from "./ResponseReaders.ts"

/** The service with its demo website and instance. */
export interface Target {
  readonly base_url: string
  readonly website_config_id: string
  readonly tracking_token: string
  readonly instance_id: string
  readonly widget_token: string
}

/** The user agent of a browser: the service does not count the page views of other programs. */
const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

interface Request {
  readonly method?: "GET" | "POST" | "OPTIONS"
  readonly headers?: Readonly<Record<string, string>>
  /** A string is sent unchanged, anything else as JSON. */
  readonly body?: unknown
}

/** Makes a function that sends a request and reads the whole response, which must have one of the given statuses. */
export const client =
  (target: Target, onResponse: (response: HttpResponse) => void) =>
  async (path: string, statuses: number | ReadonlyArray<number>, request: Request = {}): Promise<HttpResponse> => {
    const { body, headers = {}, method = body === undefined ? "GET" : "POST" } = request
    const requestLine = `${method} ${path}`
    const response: HttpResponse = await fetch(target.base_url + path, {
      method,
      headers: {
        origin,
        "user-agent": browser,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers
      },
      signal: AbortSignal.timeout(60_000),
      redirect: "manual",
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
      .then(async (fetched) => {
        return { request: requestLine, status: fetched.status, headers: fetched.headers, text: await fetched.text() }
      })
      .catch((error: unknown) => {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
        throw new CheckFailed(`${requestLine} got no complete response (${cause})`)
      })
    onResponse(response)
    const wanted = [statuses].flat()
    if (response.status === 429 && !wanted.includes(429)) {
      throw new CheckFailed(
        `this address has used up the rate limit ${response.headers.get("ratelimit-policy") ?? ""}, which is not an error ` +
          `of the service. Run this again in ${response.headers.get("retry-after") ?? "60"} seconds`
      )
    }
    expect(
      wanted.includes(response.status),
      `${requestLine} answered ${response.status} instead of ${wanted.join(" or ")}: ${shorten(response.text)}`
    )
    return response
  }

/**
 * ClickHouse's HTTP interface to the engine in this process, for tests of the client on a network and for tests that start other
 * processes. It serves one database to one user, and can simulate the faults of a server or a network. Imports nothing of `src`.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import type { ClickHouseClient } from "@clickhouse/client"
import { Effect, type Scope } from "effect"
import * as Engine from "./Engine.ts"

/**
 * What goes wrong with a statement:
 *
 * - `lose the request`: closes the connection before the statement runs.
 * - `lose the answer`: closes the connection after the statement ran.
 * - `cut the answer`: sends the status 200 and half of the result, and closes the connection.
 * - `fail`: answers 500 with an error of the server, and runs nothing.
 * - `fail in mid-answer`: sends the status 200 and half of the result, and then an error of the server.
 * - `bad gateway`: answers 502 as a proxy does.
 * - `hang`: never answers, and runs nothing.
 */
export type Fault =
  | "lose the request"
  | "lose the answer"
  | "cut the answer"
  | "fail"
  | "fail in mid-answer"
  | "bad gateway"
  | "hang"

/** Where a client finds a database. */
export interface Address {
  readonly url: string
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface HttpInterface {
  readonly address: Address
  /** The address and the password as the value of `ANALYTICS_URL`. */
  readonly url: string
  /** The client to which the statements are sent. */
  readonly client: ClickHouseClient
  /** The faults of the next statements, in order. */
  readonly faults: Array<Fault>
  /** The tables that the user may not read; statements that name them are denied. */
  readonly denied: Set<string>
  /** The number of statements that arrived. */
  readonly arrived: () => number
}

const user = "edge"
const password = "pass:w@rd"

/** An error of the server, in ClickHouse's format. */
const serverError = "Code: 242. DB::Exception: Table is in readonly mode. (TABLE_IS_READ_ONLY) (version 26.7.2.1)"

/** The parameters of a request that are not settings of ClickHouse. */
const reserved = /^(database|query|query_id|param_.*|session_id|role)$/

interface Statement {
  readonly query: string
  readonly body: string
  readonly parameters: Readonly<Record<string, string>>
  readonly settings: Readonly<Record<string, string>>
}

/** The names and values of a multipart form. The client sends long parameters in one. */
const partsOf = async (body: string, type: string): Promise<Array<[string, string]>> => {
  const form = await new Response(body, { headers: { "content-type": type } }).formData()
  return [...form].map(([name, value]) => [name, String(value)])
}

const statementOf = async (request: IncomingMessage): Promise<Statement> => {
  const inUrl = new URL(request.url ?? "/", "http://localhost").searchParams
  const sent = await text(request)
  const type = request.headers["content-type"] ?? ""
  const isForm = type.startsWith("multipart/form-data")
  const search = isForm ? new URLSearchParams([...inUrl, ...(await partsOf(sent, type))]) : inUrl
  const body = isForm ? "" : sent
  const query = search.get("query")
  return {
    query: query ?? body,
    body: query === null ? "" : body,
    parameters: Object.fromEntries(
      [...search].flatMap(([name, value]) => (name.startsWith("param_") ? [[name.slice(6), value]] : []))
    ),
    settings: Object.fromEntries([...search].filter(([name]) => !reserved.test(name)))
  }
}

/** A parameter's value as the engine's library expects it. An array is sent as the text of a list of numbers or quoted texts. */
const valueOf = (value: string): unknown =>
  value.startsWith("[")
    ? Array.from(value.matchAll(/'((?:[^'\\]|\\.)*)'|(-?\d+)/g), ([, text, number]) =>
        text === undefined ? Number(number) : text.replace(/\\(.)/g, "$1")
      )
    : value.replace(/\\(.)/g, "$1")

const run = async (client: ClickHouseClient, { body, parameters, query, settings }: Statement): Promise<string> => {
  const result = await client.exec({
    query: body === "" ? query : `${query}\n${body}`,
    query_params: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, valueOf(value)])),
    clickhouse_settings: settings
  })
  return await text(result.stream)
}

const errorText = (error: unknown): string => {
  const { code = "1", message, type = "UNKNOWN" } = error as { code?: string; message?: string; type?: string }
  return `Code: ${code}. DB::Exception: ${message} (${type}) (version 26.7.2.1)`
}

const answer = async (
  client: ClickHouseClient,
  fault: Fault | undefined,
  denied: ReadonlySet<string>,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> => {
  const statement = await statementOf(request)
  const [name, secret] = Buffer.from((request.headers.authorization ?? "").slice(6), "base64")
    .toString()
    .split(/:(.*)/s)
  if (name !== user || secret !== password) {
    response.writeHead(403).end("Code: 516. DB::Exception: edge: Authentication failed. (AUTHENTICATION_FAILED)")
    return
  }
  if ([...denied].some((table) => statement.query.includes(table))) {
    response.writeHead(403).end("Code: 497. DB::Exception: edge: Not enough privileges. (ACCESS_DENIED)")
    return
  }
  if (fault === "hang") return
  if (fault === "lose the request") return void response.destroy()
  if (fault === "fail") return void response.writeHead(500).end(serverError)
  if (fault === "bad gateway") return void response.writeHead(502).end("<html>Bad Gateway</html>")
  try {
    const result = await run(client, statement)
    if (fault === "lose the answer") return void response.destroy()
    if (fault === undefined) return void response.writeHead(200).end(result)
    response.writeHead(200, { "content-length": result.length + 100 })
    response.write(result.slice(0, result.length >> 1), () => {
      if (fault === "cut the answer") response.destroy()
      else response.end(`\n${serverError}\n`.padEnd(result.length + 100 - (result.length >> 1)))
    })
  } catch (error) {
    response.writeHead(500).end(errorText(error))
  }
}

/** Serves a new database without tables. Stops with the scope. */
export const make: Effect.Effect<HttpInterface, never, Scope.Scope> = Effect.gen(function* () {
  const { client, name: database } = yield* Engine.database
  const faults: Array<Fault> = []
  const denied = new Set<string>()
  let arrived = 0
  // Node refuses a URL of over 16 kB, as proxies do.
  const server = createServer((request, response) => {
    arrived++
    answer(client, faults.shift(), denied, request, response).catch(() => response.destroy())
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () =>
      Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            server.closeAllConnections()
          })
      )
  )
  const bound = server.address()
  const port = typeof bound === "object" && bound !== null ? bound.port : 0
  return {
    address: { url: `http://127.0.0.1:${port}`, user, password, database },
    url: `clickhouse://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    client,
    faults,
    denied,
    arrived: () => arrived
  }
})

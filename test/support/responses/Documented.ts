/**
 * Compares responses with an OpenAPI document. Pure.
 *
 * @module
 */
import type { Recorded } from "./Recorder.ts"

type Json = Readonly<Record<string, unknown>>

/** A documented response, with header names and media types in lower case. */
interface Declared {
  readonly headers: ReadonlySet<string>
  readonly types: ReadonlySet<string>
}

interface Operation {
  readonly name: string
  readonly pattern: RegExp
  readonly responses: ReadonlyMap<number, Declared>
}

const objectOf = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {})

const names = (value: unknown): ReadonlySet<string> =>
  new Set(Object.keys(objectOf(value)).map((name) => name.toLowerCase()))

/** The operations of a document. */
export const operationsOf = (document: Json): ReadonlyArray<Operation> =>
  Object.entries(objectOf(document["paths"])).flatMap(([path, methods]) =>
    Object.entries(objectOf(methods)).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`),
      responses: new Map(
        Object.entries(objectOf(objectOf(operation)["responses"])).map(([status, response]) => {
          const { content, headers } = objectOf(response)
          return [Number(status), { headers: names(headers), types: names(content) }] as const
        })
      )
    }))
  )

/** Headers of HTTP itself: message framing, content coding, date and connection management. */
const ofHttp = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "transfer-encoding",
  "vary"
])

/** The parts of a response to one operation that a document does not declare. */
const missingIn = (operation: Operation, { contentType, headers, status }: Recorded): ReadonlyArray<string> => {
  const declared = operation.responses.get(status)
  if (declared === undefined) return [`${operation.name} declares no ${status}`]
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase()
  return [
    ...(type === undefined || declared.types.has(type) ? [] : [`${operation.name} ${status} declares no ${type}`]),
    ...headers
      .filter((name) => !ofHttp.has(name) && !declared.headers.has(name))
      .map((name) => `${operation.name} ${status} declares no header ${name}`)
  ]
}

/**
 * The parts of a response that a document does not declare. A response without a request may belong to any operation, so each
 * must declare it. A preflight follows the Fetch standard, and the document states that its status is 204.
 */
export const undocumented = (operations: ReadonlyArray<Operation>, response: Recorded): ReadonlyArray<string> => {
  const { method, path, status } = response
  const ofPath = path === null ? operations : operations.filter(({ pattern }) => pattern.test(path))
  // For a method that the path does not have, every operation of the path must declare the response.
  const ofMethod = ofPath.filter(({ name }) => name.startsWith(`${method === "HEAD" ? "GET" : method} `))
  const candidates = path === null || ofMethod.length === 0 ? ofPath : ofMethod
  // If several templates match the path, those with the fewest parameters apply.
  const parameters = ({ name }: Operation) => name.split("{").length
  const fewest = Math.min(...candidates.map(parameters))
  const applicable = path === null ? candidates : candidates.filter((operation) => parameters(operation) === fewest)
  if (method === "OPTIONS") {
    return applicable.length === 0 || status === 204 ? [] : [`A preflight of ${path} is answered with ${status}`]
  }
  return applicable.flatMap((operation) => missingIn(operation, response))
}

/**
 * A bare `node:http` server that parses JSON, checks its fields by hand and stores nothing. Its rate is about the highest that
 * one Node process can reach. `PORT` is the port to listen on.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { createServer, type ServerResponse } from "node:http"

interface Fault {
  readonly type: string
  readonly loc: ReadonlyArray<string>
  readonly msg: string
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

type Check = (value: unknown) => readonly [type: string, msg: string] | undefined

const text: Check = (value) =>
  typeof value === "string" ? undefined : ["string_type", "Input should be a valid string"]
const id: Check = (value) =>
  typeof value === "string" && uuid.test(value) ? undefined : ["uuid_parsing", "Input should be a valid UUID"]
const integer: Check = (value) =>
  Number.isInteger(value) ? undefined : ["int_type", "Input should be a valid integer"]
const path: Check = (value) =>
  typeof value === "string" && value.length > 2048
    ? ["string_too_long", "String should have at most 2048 characters"]
    : text(value)
const form: Check = (value) =>
  typeof value !== "object" || value === null || Array.isArray(value)
    ? ["dict_type", "Input should be a valid dictionary"]
    : Object.keys(value).length > 50
      ? ["too_long", "Dictionary should have at most 50 items"]
      : undefined

interface Model {
  readonly required: ReadonlyArray<readonly [string, Check]>
  readonly optional: ReadonlyArray<readonly [string, Check]>
}

const view: Model = {
  required: [
    ["site_id", id],
    ["page_path", path]
  ],
  optional: [
    ["device_type", text],
    ["referrer", text],
    ["screen_width", integer],
    ["session_id", text]
  ]
}

const submission: Model = {
  required: [
    ["site_id", id],
    ["form_data", form]
  ],
  optional: [
    ["email", text],
    ["page_slug", text]
  ]
}

const faultsOf = (model: Model, body: unknown): ReadonlyArray<Fault> => {
  if (typeof body !== "object" || body === null) {
    return [{ type: "model_attributes_type", loc: ["body"], msg: "Input should be a valid dictionary" }]
  }
  const fields = body as Record<string, unknown>
  const faults: Array<Fault> = []
  const checkField = (name: string, check: Check) => {
    const fault = check(fields[name])
    if (fault !== undefined) faults.push({ type: fault[0], loc: ["body", name], msg: fault[1] })
  }
  for (const [name, check] of model.required) {
    if (fields[name] === undefined) faults.push({ type: "missing", loc: ["body", name], msg: "Field required" })
    else checkField(name, check)
  }
  for (const [name, check] of model.optional)
    if (fields[name] !== undefined && fields[name] !== null) checkField(name, check)
  return faults
}

const respondJson = (response: ServerResponse, status: number, body: unknown): void => {
  const json = JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(json) })
  response.end(json)
}

const server = createServer((request, response) => {
  const model =
    request.url === "/v1/public/analytics/track"
      ? view
      : request.url === "/v1/public/forms/submit"
        ? submission
        : undefined
  const parts: Array<Buffer> = []
  request.on("data", (part: Buffer) => parts.push(part))
  request.on("end", () => {
    if (model === undefined) return respondJson(response, 404, { detail: "Not Found" })
    let body: unknown
    try {
      body = JSON.parse(Buffer.concat(parts).toString("utf8"))
    } catch {
      return respondJson(response, 422, { detail: [{ type: "json_invalid", loc: ["body"], msg: "JSON decode error" }] })
    }
    const faults = faultsOf(model, body)
    if (faults.length > 0) return respondJson(response, 422, { detail: faults })
    if (model === submission) return respondJson(response, 200, { status: "received", submission_id: randomUUID() })
    response.writeHead(204)
    response.end()
  })
})

process.once("SIGTERM", () => process.exit(0))
server.listen(Number(process.env["PORT"]), "127.0.0.1")

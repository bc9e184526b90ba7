/** The marked secrets, an agent that echoes them, and a record of all log lines and exports. */
import { randomBytes } from "node:crypto"
import { Cause, Effect, Layer, Logger, Redacted, References } from "effect"
import * as Otlp from "../../../src/platform/telemetry/Otlp.ts"
import * as TestCollector from "../TestCollector.ts"
import { finishes, says, sse, start } from "../TestUpstream.ts"

/** The secrets. Each is unique, so that a match is always a leak. */
export const marks = {
  form: `form-${randomBytes(8).toString("hex")}`,
  email: `mail-${randomBytes(8).toString("hex")}`,
  message: `message-${randomBytes(8).toString("hex")}`,
  upstream: `upstream-${randomBytes(8).toString("hex")}`,
  key: `sk-${randomBytes(8).toString("hex")}`,
  idempotency: `idempotency-${randomBytes(8).toString("hex")}`,
  collector: `collector-${randomBytes(8).toString("hex")}`,
  baggage: `baggage-${randomBytes(8).toString("hex")}`,
  wrongToken: `hwt_${randomBytes(32).toString("base64url")}`,
  wrongCookie: `hcs_${randomBytes(32).toString("base64url")}`,
  wrongLink: `hcl_${randomBytes(32).toString("base64url")}`,
  wrongKey: `hok_${randomBytes(32).toString("base64url")}`,
  address: "198.51.100.77",
  address6: "2001:db8:77:77:77:77:77:77"
}

/** Records everything logged and exported, as text. `exported` is complete after the layer's scope closes. */
export const recorder = Effect.gen(function* () {
  const collector = yield* TestCollector.start()
  const lines: Array<string> = []
  const logger = Logger.make((entry) => {
    // In the format of the service's logger and in other formats.
    lines.push(Logger.formatJson.log(entry), Logger.formatLogFmt.log(entry), Cause.pretty(entry.cause))
  })
  const exporter = Otlp.layer(
    {
      endpoint: collector.url,
      protocol: "http/json",
      headers: Redacted.make({ authorization: marks.collector }),
      serviceName: "test",
      resourceAttributes: {}
    },
    "0"
  )
  const layer = exporter.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Logger.layer([logger]),
        Layer.succeed(References.MinimumLogLevel, "Trace"),
        Layer.succeed(References.TracerEnabled, false)
      )
    )
  )
  return { lines, layer, collector, exported: () => collector.exports.map(({ body }) => body.toString("utf8")) }
})

/** An agent that fails in the way that the message names, and echoes the request in each failure that has a text. */
export const upstream = start((received, response) => {
  const echo = `${marks.upstream} ${received.body} ${JSON.stringify(received.headers)}`
  const instruction = /"content":"(\w+)/.exec(received.body)?.[1]
  if (instruction === "error") return void response.writeHead(500, { "x-leak": marks.upstream }).end(echo)
  if (instruction === "html") return void response.writeHead(200, { "content-type": "text/html" }).end(echo)
  response.writeHead(200, sse)
  if (instruction === "garbage") return void response.end(`data: ${echo}\n\n`)
  if (instruction === "event") {
    return void response.end(`data: ${JSON.stringify({ error: { message: echo } })}\n\n`)
  }
  if (instruction === "cut") return void response.write(says("a"), () => response.destroy())
  response.end(says("Hello") + finishes("stop"))
})

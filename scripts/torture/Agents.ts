/**
 * Agents that answer well or fail in some way, selected by their name in the visitor's message. Texts that no visitor may receive
 * contain a marker, so that a test can check this.
 *
 * @module
 */
import { endlessly, finishes, type Respond, says, sse } from "../../test/support/TestUpstream.ts"

/** The marker in every agent text that no visitor may receive. */
export const secret = "sk-UPSTREAM-SECRET-0123456789"

const whole = `${says("Grüße ")}${says("🙂")}${finishes("stop")}data: [DONE]\n\n`

/** The expected outcome: a complete answer, an answer that ends with an error, or a refusal with this status. */
export type Expected = "answer" | "error" | 502 | 504

interface Agent {
  readonly expected: Expected
  readonly respond: Respond
}

const stream =
  (...pieces: ReadonlyArray<string | Buffer>): Respond =>
  (_, response) => {
    response.writeHead(200, sse)
    for (const piece of pieces) response.write(piece)
    response.end()
  }

/** All agents, by name. A message that contains the name selects the agent. */
export const agents: Readonly<Record<string, Agent>> = {
  "answers well": { expected: "answer", respond: stream(whole) },
  "splits UTF-8 and CRLF across packets": {
    expected: "answer",
    respond: (_, response) => {
      response.writeHead(200, sse)
      const bytes = Buffer.from(whole.replaceAll("\n", "\r\n"))
      let at = 0
      const next = () => {
        if (response.destroyed) return
        if (at >= bytes.length) return void response.end()
        response.write(bytes.subarray(at, ++at), () => setImmediate(next))
      }
      next()
    }
  },
  "sends a retry line": {
    expected: "answer",
    respond: stream("retry: 1\n\n", says("Hi"), "retry: x\n", finishes("stop"))
  },
  "sends comments and unknown fields": {
    expected: "answer",
    respond: stream(`: ${secret}\n\n`, `id: ${secret}\nmeta: ${secret}\n\n`, whole)
  },
  "answers 500 with secrets": {
    expected: 502,
    respond: (_, response) => {
      response.writeHead(500, { "content-type": "application/json", "x-key": secret })
      response.end(JSON.stringify({ error: { message: secret, stack: secret } }))
    }
  },
  "answers 401": {
    expected: 502,
    respond: (_, response) => response.writeHead(401, { "www-authenticate": secret }).end(secret)
  },
  redirects: { expected: 502, respond: (_, response) => response.writeHead(302, { location: `/${secret}` }).end() },
  "sends HTML": {
    expected: 502,
    respond: (_, response) => response.writeHead(200, { "content-type": "text/html" }).end(`<h1>${secret}</h1>`)
  },
  "sends garbage for JSON": {
    expected: 502,
    respond: (_, response) => response.writeHead(200, { "content-type": "application/json" }).end(`{"${secret}`)
  },
  "sends garbage frames": { expected: "error", respond: stream(says("Hi"), `data: {"${secret}\n\n`) },
  "sends an error frame": {
    expected: "error",
    respond: stream(says("Hi"), `data: ${JSON.stringify({ error: { message: secret } })}\n\n`)
  },
  "sends bytes that are not UTF-8": {
    expected: "error",
    respond: stream(
      says("Hi"),
      Buffer.concat([Buffer.from(`data: {"${secret}`), Buffer.from([0xff, 0xfe]), Buffer.from("\n\n")])
    )
  },
  "sends a line of 10 MB": { expected: "error", respond: stream(says("Hi"), `data: ${"a".repeat(10_000_000)}\n\n`) },
  "ends before its answer": { expected: "error", respond: stream(says("Hi")) },
  "ends at once": { expected: "error", respond: stream() },
  "resets at once": { expected: 502, respond: (_, response) => void response.socket?.resetAndDestroy() },
  "resets in the middle": {
    expected: "error",
    respond: (_, response) => {
      response.writeHead(200, sse)
      response.write(says("Hi"), () => setTimeout(() => response.socket?.resetAndDestroy(), 20))
    }
  },
  "stalls before it answers": { expected: 504, respond: () => {} },
  "stalls before its first token": {
    expected: "error",
    respond: (_, response) => {
      response.writeHead(200, sse)
      response.flushHeaders()
    }
  },
  "stalls in the middle": {
    expected: "error",
    respond: (_, response) => {
      response.writeHead(200, sse)
      response.write(says("Hi"))
    }
  },
  "never ends": {
    expected: "error",
    respond: (_, response) => {
      response.writeHead(200, sse)
      endlessly(response, says("and so on ".repeat(100)))
    }
  }
}

/** An upstream that plays all agents. */
export const respond: Respond = (received, response) => {
  const name = Object.keys(agents).find((name) => received.body.includes(JSON.stringify(name).slice(1, -1)))
  const agent = name === undefined ? undefined : agents[name]
  if (agent === undefined) return void response.writeHead(404).end()
  agent.respond(received, response)
}

/**
 * An agent with OpenAI's protocol, on a loopback port. The visitor's message says how it answers.
 *
 * @module
 */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"

export interface Agent {
  readonly url: string
  /** The bodies of the requests, the oldest first. */
  readonly requests: ReadonlyArray<string>
  /** Ends the answers to a message that wait. */
  readonly release: (question: string) => void
}

const frame = (data: object): string => `data: ${JSON.stringify(data)}\n\n`

const delta = (more: object, finish: string | null = null) =>
  frame({ choices: [{ index: 0, delta: more, finish_reason: finish }] })

const usage = frame({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } })

const citation = {
  annotations: [{ type: "url_citation", url_citation: { url: "https://shop.example/hours", title: "Hours" } }]
}

const stream = (response: ServerResponse, ...frames: ReadonlyArray<string>): void => {
  response.writeHead(200, { "content-type": "text/event-stream" }).write(frames.join(""))
}

/** How the agent answers the messages that are no greeting. */
const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "cite a source": (response) => {
    stream(response, delta({ content: "From nine to five." }), delta(citation), delta({}, "stop"), usage)
    response.end("data: [DONE]\n\n")
  },
  "talk too long": (response) => {
    stream(response, delta({ content: "On and on" }), delta({}, "length"), usage)
    response.end("data: [DONE]\n\n")
  },
  "refuse this content": (response) => {
    response.writeHead(400, { "content-type": "application/json" })
    response.end(JSON.stringify({ error: { message: "SECRET", code: "content_filter" } }))
  },
  "say nothing": (response) => {
    stream(response, delta({}, "stop"), usage)
    response.end("data: [DONE]\n\n")
  },
  break: (response) => {
    stream(response, delta({ content: "Half an answer" }))
    response.end()
  },
  fail: (response) => {
    response.writeHead(500, { "content-type": "application/json" })
    response.end(JSON.stringify({ error: { message: "SECRET" } }))
  },
  "be busy": (response) => {
    response.writeHead(429, { "content-type": "application/json", "retry-after": "90" })
    response.end(JSON.stringify({ error: { message: "SECRET" } }))
  },
  "be silent": () => {}
}

/** The text of the newest message. */
const questionOf = (body: string): string => {
  const { messages } = JSON.parse(body) as { readonly messages: ReadonlyArray<{ readonly content: string }> }
  return messages.at(-1)?.content ?? ""
}

/** Starts the agent until the scope closes. */
export const start = Effect.acquireRelease(
  Effect.callback<Agent & { readonly close: () => void }>((resume) => {
    const requests: Array<string> = []
    const waiting = new Map<ServerResponse, string>()
    const server = createServer((request, response) => {
      const parts: Array<Buffer> = []
      request.on("data", (part: Buffer) => parts.push(part))
      request.on("end", () => {
        const body = Buffer.concat(parts).toString("utf8")
        requests.push(body)
        const question = questionOf(body)
        if (question.includes("wait")) {
          waiting.set(response, question)
          return stream(response, delta({ content: "I wait" }))
        }
        const answer = answers[question]
        if (answer !== undefined) return answer(response)
        stream(response, delta({ content: "Good day 😀 " }), delta({}, "stop"), usage)
        response.end("data: [DONE]\n\n")
      })
    })
    server.listen(0, "127.0.0.1", () =>
      resume(
        Effect.succeed({
          url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          requests,
          release: (wanted) => {
            for (const [response, question] of waiting) {
              if (question !== wanted) continue
              waiting.delete(response)
              response.end(`${delta({ content: " no more" })}${delta({}, "stop")}${usage}`)
            }
          },
          close: () => {
            server.close()
            server.closeAllConnections()
          }
        })
      )
    )
  }),
  ({ close }) => Effect.sync(close)
)

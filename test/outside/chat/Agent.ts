/**
 * An agent that speaks OpenAI's chat completions. The visitor's newest message says what it does.
 *
 * @module
 */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"

export interface AgentRequest {
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: string }>
  /** The session. */
  readonly user: string
  readonly stream_options?: unknown
}

export interface Agent {
  readonly url: string
  /** Every request, oldest first. */
  readonly requests: ReadonlyArray<AgentRequest>
  /** The texts that the agent got with its newest request. */
  readonly newest: () => ReadonlyArray<string>
  /** Whether the agent got a message that begins with `wait`. */
  readonly isAsked: (message: string) => boolean
  /** Adds text to the answer to a message that begins with `wait`. */
  readonly say: (message: string, text: string) => void
  /** Ends the answer to a message that begins with `wait`. */
  readonly finish: (message: string) => void
  /** Whether the service still reads the answer to a message that begins with `wait`. */
  readonly isRead: (message: string) => boolean
}

/** What no visitor may see of an agent's errors. */
export const secret = "sk-agent-secret"

const usageOf = (input: number) => ({ prompt_tokens: input, completion_tokens: 3, total_tokens: input + 3 })

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`

const delta = (delta: object, finish_reason: string | null = null) =>
  event({ choices: [{ index: 0, delta, finish_reason }] })

const says = (content: string) => delta({ content })

const source = {
  annotations: [{ type: "url_citation", url_citation: { url: "https://example.com/", title: "Example" } }]
}

const end = (response: ServerResponse, { stream_options }: AgentRequest, input = 7) =>
  response.end(
    `${delta({}, "stop")}${stream_options === undefined ? "" : event({ choices: [], usage: usageOf(input) })}data: [DONE]\n\n`
  )

/** Starts an agent that ends with the scope. */
export const start: Effect.Effect<Agent, never, Scope.Scope> = Effect.gen(function* () {
  const requests: Array<AgentRequest> = []
  const waiting = new Map<string, { readonly response: ServerResponse; readonly request: AgentRequest }>()
  const waitingFor = (message: string) => {
    const found = waiting.get(message)
    if (found === undefined) throw new Error(`The agent got no message "${message}"`)
    return found
  }

  const answer = (request: AgentRequest, response: ServerResponse): void => {
    const message = request.messages.at(-1)?.content ?? ""
    const [word, argument = ""] = message.split(/,? /, 2)
    const refuse = (status: number, body: object, headers: Readonly<Record<string, string>> = {}) =>
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
    const error = { error: { message: secret, code: "model_not_found" } }
    if (word === "refuse") return void refuse(Number(argument), error)
    if (word === "busy") return void refuse(503, error, { "retry-after": "90" })
    if (word === "strict" && request.stream_options !== undefined) {
      const detail = [{ loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }]
      return void refuse(422, { detail })
    }
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" })
    if (word === "break") return void response.write(says("half an answer"), () => response.destroy())
    if (word === "empty") return void end(response, request)
    if (word === "wait") {
      waiting.set(message, { request, response })
      return void response.write(says("begun"))
    }
    response.write(delta({ reasoning_content: "hm" }) + says("You said ") + says(message))
    if (word === "number") response.write(says(` in request ${requests.length}`))
    response.write(delta(source))
    end(response, request, word === "spend" ? Number(argument) : undefined)
  }

  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer(async (incoming, response) => {
        const parts: Array<Buffer> = []
        for await (const part of incoming) parts.push(part as Buffer)
        const request = JSON.parse(Buffer.concat(parts).toString()) as AgentRequest
        requests.push(request)
        answer(request, response)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    newest: () => requests.at(-1)?.messages.map(({ content }) => content) ?? [],
    isAsked: (message) => waiting.has(message),
    say: (message, text) => void waitingFor(message).response.write(says(text)),
    finish: (message) => {
      const { request, response } = waitingFor(message)
      end(response, request)
    },
    isRead: (message) => !waitingFor(message).response.closed
  }
})

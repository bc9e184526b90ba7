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
  /** Whether the agent got a message whose answer waits. */
  readonly isAsked: (message: string) => boolean
  /** Adds text to an answer that waits. */
  readonly say: (message: string, text: string) => void
  /** Ends an answer that waits. */
  readonly finish: (message: string) => void
  /** Whether the service still reads an answer that waits. */
  readonly isRead: (message: string) => boolean
}

/** What the agent does with a request. */
export interface Reply {
  readonly request: AgentRequest
  /** The newest message. */
  readonly message: string
  /** The number of requests so far. */
  readonly count: number
  /** Refuses the request with an error that no visitor may see. */
  readonly refuse: (
    status: number,
    error?: { readonly code?: string; readonly retryAfter?: number; readonly body?: object }
  ) => void
  /** Answers with these frames, and ends the answer. */
  readonly answer: (
    frames: ReadonlyArray<string>,
    options?: { readonly finish?: string; readonly input?: number }
  ) => void
  /** Answers with these frames, and breaks the connection. */
  readonly breakOff: (...frames: ReadonlyArray<string>) => void
  /** Answers with a text, and waits for `say` and `finish`. */
  readonly wait: (text: string) => void
}

/** What no visitor may see of an agent's errors. */
export const secret = "sk-agent-secret"

const usageOf = (input: number) => ({ prompt_tokens: input, completion_tokens: 3, total_tokens: input + 3 })

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`

export const delta = (delta: object, finish_reason: string | null = null): string =>
  event({ choices: [{ index: 0, delta, finish_reason }] })

export const says = (content: string): string => delta({ content })

export const cites = (url: string, title: string): string =>
  delta({ annotations: [{ type: "url_citation", url_citation: { url, title } }] })

/** Without answers of its own, the agent repeats the message. Its first word may ask for something else. */
const repeats = ({ answer, breakOff, count, message, refuse, request, wait }: Reply): void => {
  const [word, argument = ""] = message.split(/,? /, 2)
  if (word === "refuse") refuse(Number(argument), { code: "model_not_found" })
  else if (word === "busy") refuse(503, { code: "model_not_found", retryAfter: 90 })
  else if (word === "strict" && request.stream_options !== undefined) {
    const detail = [{ loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }]
    refuse(422, { body: { detail } })
  } else if (word === "break") breakOff(says("half an answer"))
  else if (word === "empty") answer([])
  else if (word === "wait") wait("begun")
  else
    answer(
      [
        delta({ reasoning_content: "hm" }),
        says("You said "),
        says(message),
        ...(word === "number" ? [says(` in request ${count}`)] : []),
        cites("https://example.com/", "Example")
      ],
      word === "spend" ? { input: Number(argument) } : {}
    )
}

/** Starts an agent that ends with the scope. */
export const start = Effect.fnUntraced(function* (
  reply: (reply: Reply) => void = repeats
): Effect.fn.Return<Agent, never, Scope.Scope> {
  const requests: Array<AgentRequest> = []
  const waiting = new Map<string, { readonly response: ServerResponse; readonly request: AgentRequest }>()
  const waitingFor = (message: string) => {
    const found = waiting.get(message)
    if (found === undefined) throw new Error(`The agent got no message "${message}"`)
    return found
  }

  const end = (response: ServerResponse, { stream_options }: AgentRequest, finish = "stop", input = 7) => {
    const usage = stream_options === undefined ? "" : event({ choices: [], usage: usageOf(input) })
    response.end(`${delta({}, finish)}${usage}data: [DONE]\n\n`)
  }

  const answer = (request: AgentRequest, response: ServerResponse): void => {
    const message = request.messages.at(-1)?.content ?? ""
    const begin = (frames: ReadonlyArray<string>, written?: () => void) => {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" })
      if (frames.length > 0) response.write(frames.join(""), written)
    }
    reply({
      request,
      message,
      count: requests.length,
      refuse: (status, { body, code, retryAfter } = {}) => {
        if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter)
        response.writeHead(status, { "content-type": "application/json" })
        response.end(JSON.stringify(body ?? { error: { message: secret, code } }))
      },
      answer: (frames, { finish, input } = {}) => {
        begin(frames)
        end(response, request, finish, input)
      },
      breakOff: (...frames) => begin(frames, () => response.destroy()),
      wait: (text) => {
        waiting.set(message, { request, response })
        begin([says(text)])
      }
    })
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

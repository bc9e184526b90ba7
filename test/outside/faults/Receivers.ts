/**
 * What the service sends outward: the agent of the chats, the receiver of webhooks, and the receiver of mails.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { setTimeout } from "node:timers/promises"
import { Effect } from "effect"
import PostalMime from "postal-mime"
import { mailReceiver } from "../../support/MailReceiver.ts"

/** A server on a loopback port, until the scope closes. Returns its host and port. */
const serve = (respond: (request: IncomingMessage, body: string, response: ServerResponse) => void) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly host: string; readonly close: () => void }>((resume) => {
      const server = createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => respond(request, Buffer.concat(parts).toString("utf8"), response))
      })
      server.listen(0, "127.0.0.1", () =>
        resume(
          Effect.succeed({
            host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
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

const wordMillis = 30

/** The words of the agent's answer to a message. */
export const wordsOf = (message: string): ReadonlyArray<string> =>
  Array.from({ length: 10 }, (_, index) => `${message}:${index} `)

const frame = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`

/** The message to which the agent's answer does not end. */
export const endless = "endless"

/** An agent that answers each message word by word. */
export const agent = Effect.map(
  serve(async (_, body, response) => {
    const { messages } = JSON.parse(body) as { readonly messages: ReadonlyArray<{ readonly content: string }> }
    const message = messages.at(-1)?.content ?? ""
    response.writeHead(200, { "content-type": "text/event-stream" })
    for (const content of wordsOf(message)) {
      if (response.destroyed) return
      response.write(frame({ content }))
      if (message === endless) return
      await setTimeout(wordMillis)
    }
    response.end(`${frame({}, "stop")}data: [DONE]\n\n`)
  }),
  ({ host }) => `http://${host}`
)

/** How long a receiver takes, so that deliveries are under way at every moment. */
const answerMillis = 150

/** By a submission, the ids of what was sent about it. */
export type Sent = ReadonlyMap<string, ReadonlySet<string>>

const add = (sent: Map<string, Set<string>>, submission: string, id: string) =>
  void sent.set(submission, (sent.get(submission) ?? new Set()).add(id))

/** A receiver of webhooks, with the ids of the events of each submission. */
export const webhooks = Effect.gen(function* () {
  const events = new Map<string, Set<string>>()
  const { host } = yield* serve(async (request, body, response) => {
    const { data } = JSON.parse(body) as { readonly data: { readonly submission_id?: string } }
    await setTimeout(answerMillis)
    // A sender that was killed meanwhile does not know that this arrived.
    if (response.destroyed) return
    if (data.submission_id !== undefined) add(events, data.submission_id, `${request.headers["webhook-id"]}`)
    response.writeHead(204).end()
  })
  return { host, events: events as Sent }
})

/** A receiver of mails, with the ids of the mails about each submission. */
export const mails = Effect.gen(function* () {
  const sent = new Map<string, Set<string>>()
  const { port } = yield* mailReceiver({
    onData: async (stream, _, callback) => {
      const source = await buffer(stream).catch(() => undefined)
      // The sender was killed while it sent the mail.
      if (source === undefined) return
      await setTimeout(answerMillis)
      const { messageId = "", text = "" } = await PostalMime.parse(source)
      add(sent, /^Reference: (\S+)/m.exec(text)?.[1] ?? "", messageId)
      callback(null)
    }
  })
  return { port, sent: sent as Sent }
})

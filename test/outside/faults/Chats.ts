/**
 * Visitors who chat while a fault is injected, and what must be stored of what they saw.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { setTimeout } from "node:timers/promises"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { until } from "../../support/Wait.ts"
import { wordsOf } from "./Receivers.ts"

interface Instance {
  readonly instanceId: string
  readonly widgetToken: string
}

/** A chat as its visitor saw it. */
export interface Chat {
  readonly message: string
  /** Undefined if no frame arrived. */
  readonly conversationId: string | undefined
  /** What the agent said. */
  readonly text: string
  /** The reason in the last frame, if the stream ended with its last frame. */
  readonly finish: string | undefined
  /** The status; 0 without a response. */
  readonly status: number
}

const headersOf = ({ widgetToken }: Instance) => ({
  "content-type": "application/json",
  "x-widget-token": widgetToken
})

const pathOf = ({ instanceId }: Instance) => `/v1/public/widget/${instanceId}/chat`

const chatOf = (message: string, status: number, received: string): Chat => {
  const isDone = received.endsWith("data: [DONE]\n\n")
  // A broken stream may end in the middle of a frame.
  const frames = received
    .split("\n\n")
    .slice(0, -1)
    .flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice("data: ".length))] : []))
  return {
    message,
    status,
    conversationId: frames[0]?.messageMetadata?.conversation_id,
    text: frames.map(({ delta = "" }) => delta).join(""),
    finish: isDone ? frames.at(-1)?.finishReason : undefined
  }
}

/** Sends a message, and reads its answer to its end, or to the end of the connection. Calls `onBegin` when the answer begins. */
export const chat = async (url: string, instance: Instance, message: string, onBegin = () => {}): Promise<Chat> => {
  let [status, text] = [0, ""]
  try {
    const response = await fetch(url + pathOf(instance), {
      method: "POST",
      headers: headersOf(instance),
      body: JSON.stringify({ message })
    })
    status = response.status
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part
      onBegin()
    }
  } catch {
    // The connection broke.
  }
  return chatOf(message, status, text)
}

/** Visitors who chat, each with one message after the other, until the scope closes or `stop`. */
export const start = (url: () => string, instance: Instance, visitors: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const chats: Array<Chat> = []
      const current: Array<Promise<Chat>> = []
      let isRunning = true
      const visit = async (visitor: number) => {
        while (isRunning) {
          const running = chat(url(), instance, randomUUID())
          current[visitor] = running
          const seen = await running
          chats.push(seen)
          if (seen.status !== 200) await setTimeout(50)
        }
      }
      const all = Promise.all(Array.from({ length: visitors }, (_, visitor) => visit(visitor)))
      return {
        /** The chats that have ended. */
        chats: chats as ReadonlyArray<Chat>,
        /** Waits until the chats that run now have ended. */
        settled: Effect.promise(() => Promise.all(current)),
        stop: Effect.promise(async () => {
          isRunning = false
          await all
        })
      }
    }),
    ({ stop }) => stop
  )

interface Message {
  readonly role: string
  readonly parts: ReadonlyArray<{ readonly text?: string }>
  readonly metadata: { readonly ending?: string | null }
}

const textOf = ({ parts }: Message) => parts.map(({ text = "" }) => text).join("")

/** The stored question and answer, once the answer has ended. */
const storedOf = (url: string, instance: Instance, conversationId: string) =>
  until(
    () => `the answer in ${conversationId} has ended`,
    async () => {
      const response = await fetch(`${url}${pathOf(instance)}/${conversationId}`, { headers: headersOf(instance) })
      if (!response.ok) throw new Error(`${conversationId}: ${response.status} ${await response.text()}`)
      const { messages } = (await response.json()) as { readonly messages: ReadonlyArray<Message> }
      const [question, answer] = messages
      return messages.length === 2 && typeof answer?.metadata.ending === "string"
        ? { question: question as Message, answer }
        : undefined
    }
  )

/**
 * Asserts that every question whose answer began is stored, with its answer: the whole one if the visitor saw its end, and
 * otherwise the whole one or its beginning, which is marked as cut.
 */
export const checkStored = (url: string, instance: Instance, chats: ReadonlyArray<Chat>) =>
  Effect.forEach(
    chats.flatMap((each) => (each.conversationId === undefined ? [] : [{ ...each, id: each.conversationId }])),
    Effect.fnUntraced(function* ({ finish, id, message, text }) {
      const { answer, question } = yield* storedOf(url, instance, id)
      const whole = wordsOf(message).join("")
      assert.strictEqual(textOf(question), message)
      assert.isTrue(whole.startsWith(text), `the visitor saw ${text}`)
      assert.isTrue(whole.startsWith(textOf(answer)), `stored is ${textOf(answer)}`)
      assert.include(finish === "stop" ? ["stop"] : ["stop", "cut"], answer.metadata.ending)
      if (answer.metadata.ending === "stop") assert.strictEqual(textOf(answer), whole)
    }),
    { concurrency: 8, discard: true }
  )

/** What a chat that streams keeps in memory. */
import { request as send } from "node:http"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { accepted, text } from "../support/ChatScript.ts"
import * as TestServer from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

/** The bytes of the heap and of buffers that are in use. */
const inUse = (): number => {
  collect()
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const chats = 20
const historyLength = 400_000

/** The number of running agent streams. */
let streaming = 0

const endless = Stream.concat(Stream.make(accepted, text("Hi")), Stream.never).pipe(
  Stream.onStart(Effect.sync(() => streaming++)),
  Stream.ensuring(Effect.sync(() => streaming--))
)

layer(
  TestServer.layer({}, () => endless),
  { excludeTestServices: true }
)((it) => {
  it.effect("a chat that streams does not keep the body of its request", () =>
    Effect.gen(function* () {
      const { instance, url, widgetToken } = yield* TestServer.TestServer
      const history = "x".repeat(historyLength)
      /** Opens chats with a long history, and looks when all of them stream. */
      const whileStreaming = Effect.fnUntraced(function* <A>(chats: number, look: () => A) {
        let begun = 0
        const opened = Array.from({ length: chats }, () => {
          const body = JSON.stringify({
            id: "c",
            trigger: "submit-message",
            messages: [
              { id: "1", role: "user", parts: [{ type: "text", text: "Hello" }] },
              { id: "2", role: "assistant", parts: [{ type: "text", text: history }] },
              { id: "3", role: "user", parts: [{ type: "text", text: "And now?" }] }
            ]
          })
          const headers = { "x-widget-token": widgetToken, "content-length": String(body.length) }
          const chat = send(url + TestServer.paths.chat(instance.instance_id), { method: "POST", headers }, (answer) =>
            answer
              .on("error", () => {})
              .once("data", () => {
                if (answer.statusCode === 200) begun++
              })
          )
          chat.on("error", () => {}).end(body)
          return chat
        })
        yield* until("the chats have begun", () => begun === chats)
        const seen = look()
        for (const chat of opened) chat.destroy()
        yield* until("the chats have ended", () => streaming === 0)
        return seen
      })
      // The first chats also load code.
      yield* whileStreaming(2, () => {})
      const before = inUse()
      const during = yield* whileStreaming(chats, inUse)
      assert.isBelow((during - before) / chats, historyLength / 4)
    })
  )
})

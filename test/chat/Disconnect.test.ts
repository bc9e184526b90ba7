/** A visitor who disconnects during a chat: the work is interrupted, and its slot is released. */
import { request as send } from "node:http"
import { describe, layer } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import { accepted } from "../support/ChatScript.ts"
import * as TestServer from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

describe("a visitor disconnects during a chat", () => {
  /** The number of running agent streams. */
  let streaming = 0
  /** An agent that sends nothing, except that it may accept. */
  const silent = (accepts: boolean) =>
    Stream.concat(accepts ? Stream.make(accepted) : Stream.empty, Stream.never).pipe(
      Stream.onStart(Effect.sync(() => streaming++)),
      Stream.ensuring(Effect.sync(() => streaming--))
    )
  const perInstance = { perAddress: Option.none(), perInstance: Option.some(1) }
  layer(
    TestServer.layer({ chatStreams: perInstance }, ({ message }) => silent(message === "accept")),
    { excludeTestServices: true }
  )((it) => {
    for (const message of ["accept", "do not"]) {
      it.effect(
        `a disconnected visitor's slot is released, ${message === "accept" ? "after" : "before"} the agent accepts`,
        () =>
          Effect.gen(function* () {
            const { instance, url, widgetToken } = yield* TestServer.TestServer
            const body = JSON.stringify({ message })
            const headers = { "x-widget-token": widgetToken, "content-length": String(body.length) }
            const chat = () => {
              let begun = false
              const sent = send(
                url + TestServer.paths.chat(instance.instance_id),
                { method: "POST", headers },
                (answer) =>
                  answer
                    .on("error", () => {})
                    .once("data", () => {
                      begun = true
                    })
              )
              sent.on("error", () => {}).end(body)
              return { sent, begun: () => begun }
            }
            // The second chat is accepted only because the first has released its slot.
            for (let turn = 0; turn < 2; turn++) {
              const { begun, sent } = chat()
              yield* until("the agent's stream has started", () => streaming === 1)
              if (message === "accept") yield* until("the chat has begun", begun)
              sent.destroy()
              yield* until("the agent's stream is interrupted", () => streaming === 0)
            }
          })
      )
    }
  })

  let isInterrupted = false
  let isLookedUp = false
  /** Widget tokens whose lookup never ends. */
  const endless = Layer.effect(
    WidgetTokens,
    Effect.map(WidgetTokens, (tokens) =>
      WidgetTokens.of({
        ...tokens,
        authenticate: () =>
          Effect.suspend(() => {
            isLookedUp = true
            return Effect.never
          }).pipe(
            Effect.onInterrupt(() =>
              Effect.sync(() => {
                isInterrupted = true
              })
            )
          )
      })
    )
  )
  layer(
    TestServer.layer({}, undefined, (storage) => Layer.merge(storage, Layer.provide(endless, storage))),
    { excludeTestServices: true }
  )((it) => {
    it.effect("the token lookup is interrupted if the visitor disconnects", () =>
      Effect.gen(function* () {
        const { instance, url } = yield* TestServer.TestServer
        const body = `{"message":"Hi"}`
        const headers = { "content-length": String(body.length) }
        const sent = send(url + TestServer.paths.chat(instance.instance_id), { method: "POST", headers })
        sent.on("error", () => {}).end(body)
        yield* until("the token is looked up", () => isLookedUp)
        sent.destroy()
        yield* until("the lookup is interrupted", () => isInterrupted)
      })
    )
  })
})

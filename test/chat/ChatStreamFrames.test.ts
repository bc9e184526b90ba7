/**
 * The clients' own parsers read every stream of the encoder, with heartbeats between any two frames.
 */

import { assert, describe, it } from "@effect/vitest"
import { getBytes, getLines, getMessages } from "@microsoft/fetch-event-source/lib/cjs/parse.js"
import { parseJsonEventStream, uiMessageChunkSchema } from "ai"
import { Effect, Schema } from "effect"
import { createParser } from "eventsource-parser"
import * as ChatStream from "../../src/chat/ChatStream.ts"
import { Event, toEvent } from "../support/ChatEvents.ts"

/** The bytes of a text as a stream of chunks of seven bytes, which divide frames and characters. */
const bytesOf = (text: string): ReadableStream<Uint8Array> => {
  const bytes = Buffer.from(text)
  let at = 0
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(new Uint8Array(bytes.subarray(at, at + 7)))
      at += 7
    }
  })
}

/** Encodes events, with a heartbeat before the first frame and after each frame. */
const encode = (list: ReadonlyArray<typeof Event.Type>) => {
  const initial = ChatStream.initial({
    messageId: "m-1",
    dialect: ChatStream.uiMessageStream({ messageId: "m-1", conversationId: "c-1", memory: true }),
    maxBytes: 1_000_000
  })
  const [, frames] = ChatStream.encodeAll(initial, [...list.map(toEvent), { _tag: "Finish", reason: "stop" }])
  const dataFrames = frames.split("\n\n").filter((frame) => frame !== "")
  return {
    dataFrames: dataFrames.map((frame) => frame.slice("data: ".length)),
    text: `${ChatStream.comment}${dataFrames.map((frame) => `${frame}\n\n${ChatStream.comment}`).join("")}`
  }
}

describe("chat/ChatStream: frames", () => {
  it.effect.prop(
    "fetch-event-source delivers the frames, and no message for a heartbeat",
    [Schema.Array(Event)],
    ([list]) =>
      Effect.promise(async () => {
        const { dataFrames, text } = encode(list)
        const read: Array<string> = []
        const onMessage = getMessages(
          () => {},
          () => {},
          ({ data }) => void read.push(data)
        )
        await getBytes(bytesOf(text), getLines(onMessage))
        assert.deepStrictEqual(read, dataFrames)
      })
  )

  it.prop("eventsource-parser delivers the frames, and heartbeats as comments", [Schema.Array(Event)], ([list]) => {
    const { dataFrames, text } = encode(list)
    const read: Array<string> = []
    let comments = 0
    const parser = createParser({
      onEvent: ({ data }) => void read.push(data),
      onComment: () => void comments++,
      onError: (error) => assert.fail(error.message)
    })
    parser.feed(text)
    assert.deepStrictEqual(read, dataFrames)
    assert.strictEqual(comments, dataFrames.length + 1)
  })

  it.effect.prop("the AI SDK accepts every frame as a chunk of its protocol", [Schema.Array(Event)], ([list]) =>
    Effect.promise(async () => {
      const { dataFrames, text } = encode(list)
      const chunks: Array<unknown> = []
      const stream = parseJsonEventStream({ stream: bytesOf(text), schema: uiMessageChunkSchema })
      for await (const chunk of stream) {
        if (!chunk.success) throw chunk.error
        chunks.push(chunk.value)
      }
      assert.deepStrictEqual(
        chunks,
        dataFrames.slice(0, -1).map((data) => JSON.parse(data))
      )
      assert.strictEqual(dataFrames.at(-1), "[DONE]")
    })
  )
})

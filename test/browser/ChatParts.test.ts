/** Properties of the chat's pure functions. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Sse } from "effect/encoding"
import { chatUrl, safeHref, splitBare } from "../../src/browser/chat/Addresses.ts"
import { empty, limitMessages, parse as parseConversation } from "../../src/browser/chat/ConversationStore.ts"
import { fromStatus, isRetryable, readRetryAfter } from "../../src/browser/chat/Failures.ts"
import { parse as parseFrame } from "../../src/browser/chat/Frames.ts"
import { makeSentenceSplitter } from "../../src/browser/chat/Sentences.ts"
import { EventTooLong, makeSseReader, maxEvent } from "../../src/browser/chat/SseReader.ts"
import { english, sentenceOf, withReplacements } from "../../src/browser/chat/Strings.ts"
import * as ChatStream from "../../src/chat/ChatStream.ts"

/** Splits a text into pieces of these lengths, repeatedly. */
const cut = (text: string, lengths: ReadonlyArray<number>): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  let from = 0
  for (let index = 0; from < text.length; index++) {
    const length = lengths.length === 0 ? text.length : lengths[index % lengths.length]!
    pieces.push(text.slice(from, from + length))
    from += length
  }
  return pieces
}

const Lengths = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })))

/** The parts of a text: often these, otherwise any strings. */
const partsOfText = (...parts: readonly [string, ...Array<string>]) =>
  Schema.Array(Schema.Union([Schema.Literals(parts), Schema.String])).pipe(Schema.check(Schema.isMaxLength(40)))

describe("SseReader", () => {
  const Wire = partsOfText(
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "data",
    "data:",
    "data: a",
    ":",
    " ",
    "id: 7",
    "event: x",
    "\uFEFF"
  )

  it.prop("agrees with a standard parser, wherever the text is split", [Wire, Lengths], ([parts, lengths]) => {
    const text = parts.join("")
    const expected: Array<string> = []
    const standard = Sse.makeParser((event) => {
      if (event._tag === "Event") expected.push(event.data)
    })
    standard.feed(text)
    const reader = makeSseReader()
    assert.deepStrictEqual(
      cut(text, lengths).flatMap((piece) => reader(piece)),
      expected
    )
  })

  it("throws on an event that is too long", () => {
    const reader = makeSseReader()
    const piece = "x".repeat(65_536)
    reader("data: ")
    assert.throws(() => {
      for (let sent = 0; sent <= maxEvent; sent += piece.length) reader(piece)
    }, EventTooLong)
    const lines = makeSseReader()
    assert.throws(() => {
      for (let sent = 0; sent <= maxEvent; sent += piece.length) lines(`data: ${piece}\n`)
    }, EventTooLong)
  })
})

describe("Frames.parse", () => {
  it.prop("parses the edge's frames", [Schema.Array(Schema.String)], ([deltas]) => {
    const [, wire] = ChatStream.encodeAll(
      ChatStream.initial({
        messageId: "m",
        dialect: ChatStream.uiMessageStream({ messageId: "m", conversationId: "c", memory: false }),
        maxBytes: 1_000_000
      }),
      [
        ...deltas.filter((delta) => delta !== "").map((delta) => ({ _tag: "Text", delta }) as const),
        { _tag: "Failed", failure: "agent-broken" }
      ]
    )
    const frames = makeSseReader()(wire).map(parseFrame)
    assert.deepStrictEqual(frames[0], { type: "start", conversationId: "c", messageId: "m", memory: false })
    assert.strictEqual(
      frames.map((frame) => (frame?.type === "text" ? frame.delta : "")).join(""),
      deltas.join("").toWellFormed()
    )
    assert.deepStrictEqual(
      frames.filter((frame) => frame?.type === "error" || frame?.type === "done"),
      [{ type: "error", sentence: ChatStream.sentences["agent-broken"] }, { type: "done" }]
    )
  })

  it.prop("accepts any JSON", [Schema.Json], ([json]) => {
    for (const value of [json, { type: "start", messageMetadata: json }, { type: "text-delta", delta: json }]) {
      const frame = parseFrame(JSON.stringify(value))
      if (frame?.type === "start") assert.isString(frame.conversationId)
      if (frame?.type === "text") assert.isString(frame.delta)
    }
    assert.isUndefined(parseFrame(`${JSON.stringify(json)}{`))
  })
})

describe("SentenceSplitter", () => {
  const SpokenParts = partsOfText(
    ". ",
    "! ",
    "?",
    "。",
    "\n",
    "1. ",
    "e.g. ",
    " ",
    "word ",
    "…\u201d ",
    "x".repeat(200)
  )
  const withoutSpace = (text: string): string => text.replace(/\s+/g, "")

  it.prop(
    "keeps all text and returns no empty sentence, wherever the text is split",
    [SpokenParts, Lengths],
    ([parts, lengths]) => {
      const text = parts.join("")
      const splitter = makeSentenceSplitter()
      const sentences = [...cut(text, lengths).flatMap((piece) => splitter.add(piece)), ...splitter.flush()]
      assert.strictEqual(withoutSpace(sentences.join("")), withoutSpace(text))
      for (const sentence of sentences) assert.notStrictEqual(sentence.trim(), "")
      assert.deepStrictEqual(splitter.flush(), [])
    }
  )

  it("returns sentences rather than deltas", () => {
    const splitter = makeSentenceSplitter()
    assert.deepStrictEqual(
      ["Yes", "! We", " do.", " Price: 1.50 €", ". 1. ", "First", "\n", "It ", "goes"].map(splitter.add),
      [[], ["Yes!"], [], ["We do."], ["Price: 1.50 €."], [], ["1. First"], [], []]
    )
    assert.deepStrictEqual(splitter.flush(), ["It goes"])
  })
})

describe("links", () => {
  const page = "https://shop.example/a/b"

  it.prop(
    "are http, https, mailto or tel addresses",
    [
      partsOfText(
        "javascript:",
        "data:text/html,",
        "\t",
        "\n",
        " ",
        "//",
        "https://",
        "mailto:",
        "tel:",
        "a",
        "<",
        ">",
        "vbscript:"
      )
    ],
    ([parts]) => {
      const href = safeHref(parts.join(""), page)
      if (href !== undefined) assert.match(href, /^(https?|mailto|tel):/)
    }
  )

  it("cannot carry a script, however they are written", () => {
    for (const address of [
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      " \u0001javascript:alert(1)",
      "java\nscript:alert(1)",
      "java\tscript:alert(1)",
      "<javascript:alert(1)>",
      "data:text/html,<script>alert(1)</script>",
      "vbscript:msgbox(1)",
      "blob:https://shop.example/x",
      "file:///etc/passwd",
      ""
    ]) {
      assert.isUndefined(safeHref(address, page), address)
    }
    assert.strictEqual(safeHref("tel:+34 600 000 000", page), "tel:+34 600 000 000")
    assert.strictEqual(safeHref("/prices", page), "https://shop.example/prices")
    assert.strictEqual(safeHref('https://x.example/ "A title"', page), "https://x.example/")
  })

  it.prop(
    "lose no character when punctuation is split off",
    [partsOfText("https://x.example/", ".", ")", "(", '"', "a")],
    ([parts]) => {
      const text = parts.join("")
      assert.strictEqual(splitBare(text).join(""), text)
    }
  )

  it("end before punctuation", () => {
    assert.deepStrictEqual(splitBare("https://x.example/a)."), ["https://x.example/a", ")."])
    assert.deepStrictEqual(splitBare("https://x.example/a_(b)"), ["https://x.example/a_(b)", ""])
    assert.deepStrictEqual(splitBare("https://x.example/a_(b)),"), ["https://x.example/a_(b)", "),"])
    assert.deepStrictEqual(splitBare("https://x.example/a]."), ["https://x.example/a", "]."])
  })
})

describe("failures", () => {
  it.prop("wait for the seconds of Retry-After, at most an hour", [Schema.Int], ([seconds]) => {
    assert.strictEqual(readRetryAfter(String(Math.abs(seconds))), Math.min(Math.abs(seconds), 3600))
  })

  it("ignore a Retry-After that is not in seconds", () => {
    for (const header of ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "", null]) assert.isUndefined(readRetryAfter(header))
  })

  it.prop("each have a message, and most can be retried", [Schema.Int], ([status]) => {
    for (const code of [status, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504]) {
      const failure = fromStatus(code, null)
      assert.match(sentenceOf(failure, english), /^[A-Z].*\.$/)
      assert.strictEqual(isRetryable(failure), ![401, 403, 404, 413, 422].includes(code))
    }
  })
})

describe("a stored conversation", () => {
  it.prop("can be any text", [Schema.Json, Schema.String], ([json, text]) => {
    for (const kept of [null, text, JSON.stringify(json), JSON.stringify({ ...empty, messages: [json, { text }] })]) {
      const { messages } = parseConversation(kept)
      for (const message of messages) {
        assert.isString(message.text)
        if (typeof message.ended === "object") assert.isString(sentenceOf(message.ended, english))
      }
    }
    assert.isString(sentenceOf({ kind: "toString" as "cut" }, english))
  })

  it.prop("holds the last messages up to a limit", [Schema.Array(Schema.String)], ([texts]) => {
    const messages = texts.map((text) => ({ role: "user", text, ended: undefined }) as const)
    assert.deepStrictEqual(parseConversation(JSON.stringify({ ...empty, messages })).messages, messages.slice(-100))
    const long = limitMessages([
      ...messages,
      ...Array.from({ length: 9 }, () => ({ role: "agent", text: "x".repeat(49_900) }) as const)
    ])
    assert.strictEqual(long.length, 4)
  })

  it.prop("holds the beginning of a last answer that is too long", [Schema.Array(Schema.String)], ([texts]) => {
    const messages = texts.map((text) => ({ role: "user", text }) as const)
    const ended = { kind: "cut" } as const
    const answer = { role: "agent", text: "x".repeat(250_000), ended } as const
    assert.deepStrictEqual(limitMessages([...messages, answer]), [{ ...answer, text: "x".repeat(200_000) }])
  })
})

describe("the texts of a website", () => {
  it.prop("replace the English texts if they are strings", [Schema.Json], ([json]) => {
    for (const given of [json, { send: json, unknown: "x" }]) {
      const strings = withReplacements(JSON.stringify(given))
      assert.deepStrictEqual(Object.keys(strings), Object.keys(english))
      for (const text of Object.values(strings)) assert.isString(text)
    }
    assert.deepStrictEqual(withReplacements("{"), english)
    assert.strictEqual(withReplacements('{"send":"Senden"}').send, "Senden")
    assert.strictEqual(withReplacements('{"heading":"Fragen"}').heading, "Fragen")
    assert.strictEqual(withReplacements('{"heading":"Fragen"}', "").heading, "Fragen")
    assert.strictEqual(withReplacements('{"heading":"Fragen"}', "Ask us").heading, "Ask us")
  })
})

describe("chatUrl", () => {
  const from = { script: "https://edge.example/v1/public/chat-panel.js", base: null, page: "https://shop.example/a/b" }

  it("is relative to the script or to the base attribute", () => {
    assert.strictEqual(chatUrl("i", from), "https://edge.example/v1/public/widget/i/chat")
    assert.strictEqual(
      chatUrl("i", { ...from, script: "https://shop.example/stats/v1/public/chat-panel.0a1b.js" }),
      "https://shop.example/stats/v1/public/widget/i/chat"
    )
    assert.strictEqual(chatUrl("i", { ...from, base: "/stats/" }), "https://shop.example/stats/v1/public/widget/i/chat")
    assert.isUndefined(chatUrl("i", { ...from, script: "data:text/javascript," }))
    assert.isUndefined(chatUrl("", from), "without an instance")
  })

  it.prop("is always a path below the edge's address", [Schema.String], ([instance]) => {
    const url = chatUrl(`i${instance.toWellFormed()}`, from)
    assert.isTrue(url?.startsWith("https://edge.example/v1/public/"))
  })
})

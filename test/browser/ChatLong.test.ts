/**
 * Long answers do not block the page, whatever they contain. The tests assert on what makes a browser slow rather than on
 * time: how much is added in one task, the number of elements, the length of a block, and the length of a run of letters
 * without a line break opportunity.
 */
import { assert, describe } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import type { Page } from "playwright-core"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { layer as chromium, inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

/** Repeats a text to a length, in UTF-16 units. By default, it is longer than each limit that `assertBounded` checks. */
const repeat = (text: string, length = 18_000): string => text.repeat(length / text.length)

/** A length at which short texts become more elements than an answer may have. */
const many = 25_000

/** The same of texts that become one element or more: more than `assertBounded` allows. */
const repeated = (text: string): string => text.repeat(4_000)

interface Long {
  readonly answer: string
  /** Whether the page formats the answer, so that only letters can be compared. Otherwise, the page shows exactly the answer. */
  readonly isFormatted?: boolean
  /** The maximum length of the text that one task adds to the chat, in UTF-16 units; `usualUnits` by default. */
  readonly units?: number
}

const usualUnits = 4 * 4096

/** Answers by what they contain. */
const answers = {
  marks: {
    "full stops": { answer: `a${repeat(".")}end.` },
    "marks of a code span": { answer: `${repeat("`")} end.` },
    "marks of a rule": { answer: `${repeat("-")} end.` },
    "the language of a fence": { answer: `\`\`\`${repeat("x")} end.` },
    "the number of a list": { answer: `${repeat("1")} end.` },
    brackets: { answer: `${repeat("[")} end.` },
    emphasis: { answer: `${repeat("*a* **b** ~~c~~ ", 40_000)} end.`, isFormatted: true },
    "open emphasis": { answer: `${repeat("*a ")} end.`, isFormatted: true }
  },
  "addresses and white space": {
    "white space of a line break": { answer: `<br${repeat(" ")} end.` },
    "white space in code": { answer: `\`\`\`\na\n${repeat(" ")} end.` },
    "a bare address": { answer: `http://a${repeat(".")} end.` },
    "a link's address": { answer: `[a](${repeat("x")}) end.` },
    "a link's white space": { answer: `[a](b${repeat(" ")}c) end.` },
    "a link's titles": { answer: `[a](b${repeat(' "')}c) end.` }
  },
  letters: {
    "Thai letters": { answer: `${repeat("\u0E01")} end.` },
    "Lao paragraphs": { answer: `${repeat(`${"\u0E81\u0EB2".repeat(1000)}\n\n`)}end.`, isFormatted: true },
    // More than is parsed as Markdown.
    "long paragraphs": { answer: `${repeat(`${"some words ".repeat(180)}\n\n`, 70_000)}end.`, isFormatted: true },
    // Code is announced in one task when its block ends.
    "a block of code": {
      answer: `\`\`\`\n${repeat("some code\n")}\`\`\`\nend.`,
      isFormatted: true,
      units: 16_384 + 2 * 4096
    },
    "one word": { answer: `${repeat("a")} end.` },
    "combining characters": { answer: `${repeat("a\u0301\u0302")} end.` },
    "right-to-left marks": { answer: `${repeat("\u200F")} end.` },
    "direction isolates": { answer: `${repeat("\u2067a\u2069")} end.` },
    "letters of both directions": { answer: `${repeat("a\u05D0")} end.` },
    "HTML entities": { answer: `${repeat("&amp;&#x202e;")} end.` }
  },
  elements: {
    "a row of cells": { answer: `|${repeated("a|")}\n\nend.`, isFormatted: true },
    "rows of cells": { answer: `|a|b|\n|-|-|\n${repeat("|a|b|\n", 9_000)}\nend.`, isFormatted: true },
    "nested lists": {
      answer: `${repeat(Array.from({ length: 10 }, (_, depth) => `${" ".repeat(2 * depth)}- a\n`).join(""), 26_000)}\nend.`,
      isFormatted: true
    },
    "nested quotes": { answer: `${repeat("> > > > > > a\n\n", many)}end.`, isFormatted: true },
    links: { answer: `${repeat("[a](/1) ", many)} end.`, isFormatted: true },
    "code fences": { answer: `${repeat("```\na\n```\n", many)}end.`, isFormatted: true },
    "short lines": { answer: `${repeated("a\n")}end.`, isFormatted: true },
    "short paragraphs": { answer: `${repeated("a\n\n")}end.`, isFormatted: true },
    "line breaks": { answer: `${repeated("\u00E4<br>")} end.`, isFormatted: true }
  }
} satisfies Readonly<Record<string, Readonly<Record<string, Long>>>>

const byName: Readonly<Record<string, Long>> = Object.assign({}, ...Object.values(answers))

const words = `${"some words of a paragraph without an end ".repeat(250)}end.`

const server = testServer({}, ({ message }) =>
  message === "words"
    ? Stream.concat(Stream.dropRight(ScriptedAgent.texts(words.match(/\S+\s?/g)!), 1), Stream.never)
    : ScriptedAgent.texts([byName[message]!.answer])
)

/** Records the most nodes and the most text (UTF-16 units) that one task adds to the chat. */
const recordTasks = `{
  window.task = { nodes: 0, units: 0 }
  const record = (records) => {
    const added = new Set()
    const add = (node) => {
      added.add(node)
      node.childNodes.forEach(add)
    }
    const before = new Map()
    for (const { addedNodes, oldValue, target } of records) {
      addedNodes.forEach(add)
      if (target instanceof Text && !before.has(target)) before.set(target, oldValue.length)
    }
    for (const node of added) if (node instanceof Text) before.set(node, 0)
    const units = Array.from(before, ([text, length]) => text.length - length).reduce((sum, more) => sum + more, 0)
    task.nodes = Math.max(task.nodes, added.size)
    task.units = Math.max(task.units, units)
  }
  const { attachShadow } = Element.prototype
  Element.prototype.attachShadow = function (options) {
    const root = attachShadow.call(this, options)
    new MutationObserver(record).observe(root, {
      childList: true,
      subtree: true,
      characterData: true,
      characterDataOldValue: true
    })
    return root
  }
}`

/** Measures the newest answer. */
const measure = (page: Page) =>
  page.locator(".message-agent:last-child .body").evaluate((body) => {
    const blocks = "p, h3, h4, h5, h6, li, th, td, code, .body"
    const lengths = new Map<typeof body | null, number>()
    let run = 0
    let longestRun = 0
    const walker = body.ownerDocument.createTreeWalker(body, 5)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (node.nodeType === 3) {
        const block = node.parentElement!.closest(blocks)
        lengths.set(block, (lengths.get(block) ?? 0) + node.textContent!.length)
        for (const part of node.textContent!.split(/(?<=\s)/)) {
          run += part.length
          longestRun = Math.max(longestRun, run)
          if (/\s$/.test(part)) run = 0
        }
      } else if (node.nodeName !== "EM" && node.nodeName !== "STRONG" && node.nodeName !== "S") run = 0
    }
    return {
      text: body.textContent!,
      longestRun,
      elements: body.querySelectorAll(":not(wbr, .plain)").length,
      longestPlain: Math.max(0, ...Array.from(lengths, ([block, length]) => (block?.matches(".plain") ? length : 0))),
      longestCode: Math.max(0, ...Array.from(lengths, ([block, length]) => (block?.closest("pre") ? length : 0))),
      longestBlock: Math.max(0, ...Array.from(lengths, ([block, length]) => (block?.closest("pre") ? 0 : length)))
    }
  })

/**
 * The limits of `Limits.ts`, with room for what one more piece adds. A unit of text makes up to three nodes, of which one
 * is spoken; a block of code is two elements; the text of an incomplete link is added again.
 */
const assertBounded = Effect.fnUntraced(function* (page: Page, what?: string, units = usualUnits) {
  const task = yield* Effect.promise(() => page.evaluate<{ nodes: number; units: number }>("task"))
  const { elements, longestBlock, longestCode, longestPlain, longestRun, text } = yield* Effect.promise(() =>
    measure(page)
  )
  assert.isAtMost(task.nodes, 3 * 4096, what)
  assert.isAtMost(task.units, units, what)
  assert.isAtMost(elements, 2 * (1500 + 256), what)
  assert.isAtMost(longestBlock, 4096 + 1024, what)
  assert.isAtMost(longestCode, 16_384 + 1024, what)
  assert.isAtMost(longestPlain, 1024 + 1024, what)
  assert.isAtMost(longestRun, 1024, what)
  return text
})

/** An open chat that tests share, because opening one takes more processor time than most answers. */
class SharedChat extends Context.Service<SharedChat, Effect.Success<ReturnType<typeof ChatPage.make>>>()(
  "hydracore/test/browser/LongChat"
) {
  static readonly layer = Layer.effect(
    SharedChat,
    Effect.tap(ChatPage.make({ before: recordTasks }), ({ begin }) => begin)
  ).pipe(Layer.provide(chromium))
}

inChromium("a long answer", Layer.provideMerge(SharedChat.layer, server), (it) => {
  describe("is rendered in slices and bounded blocks, shown, and announced to its end", () => {
    for (const [kind, ofKind] of Object.entries<Readonly<Record<string, Long>>>(answers)) {
      it.effect(
        `of ${kind}`,
        () =>
          Effect.gen(function* () {
            const { errors, on, page, send, spoken } = yield* SharedChat
            for (const [name, { answer, isFormatted = false, units }] of Object.entries(ofKind)) {
              yield* on(() => page.evaluate("task.nodes = task.units = 0"))
              yield* send(name)
              yield* on(() =>
                page.locator(".message-agent:last-child:not(.writing) .body").waitFor({ timeout: 50_000 })
              )
              const text = yield* assertBounded(page, name, units)
              if (isFormatted) {
                // Marks may be left out, letters may not.
                const letters = (text: string): number => text.replace(/br|\P{L}/gu, "").length
                assert.strictEqual(letters(text), letters(answer), name)
                assert.match(text, /end\.\s*$/, name)
              } else assert.isTrue(text === answer, `${name}: ${text.length} ${text.slice(0, 20)} ${text.slice(-20)}`)
              assert.match((yield* on(spoken)).at(-1) ?? "", /end\.$/, name)
              yield* on(() => page.getByRole("button", { name: "New conversation" }).click())
              yield* until("an empty conversation", async () => (await page.locator(".message").count()) === 1)
              assert.notMatch((yield* on(spoken)).at(-1) ?? "", /end\.$/, "the live region still has the answer")
            }
            assert.deepStrictEqual(errors, [])
          }),
        // Each answer may take as long as a test.
        120_000 * Object.keys(ofKind).length
      )
    }
  })

  it.effect("is rendered in slices when a page loads the stored conversation", () =>
    Effect.gen(function* () {
      const { errors, on, open, page, send, site } = yield* SharedChat
      yield* send("emphasis")
      yield* on(() => page.locator(".message-agent:last-child:not(.writing) .body").waitFor())
      yield* open(`${site.url}/other`)
      yield* on(() => page.locator(".message-agent:last-child:not(.writing) .body").waitFor())
      const text = yield* assertBounded(page)
      assert.isAbove(text.length, usualUnits)
      const log = page.getByRole("log")
      yield* until("the end in sight", () =>
        log.evaluate(({ clientHeight, scrollHeight, scrollTop }) => scrollHeight - scrollTop - clientHeight < 2)
      )
      assert.deepStrictEqual(
        yield* on(() =>
          log
            .locator(".message")
            .evaluateAll((all) => all.map((one) => one.computedStyleMap().get("content-visibility")?.toString()))
        ),
        ["auto", "auto", "auto"]
      )
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("can be replaced by a new conversation before it is rendered", () =>
    Effect.gen(function* () {
      const { begin, errors, on, page, send } = yield* ChatPage.make()
      // The next slice would be rendered by a timer.
      yield* on(() => page.clock.install({ time: 0 }))
      yield* on(() => page.clock.pauseAt(1000))
      yield* begin
      yield* send("Thai letters")
      yield* until("the first slice", async () => (await page.locator(".writing .body").textContent()) !== "")
      yield* on(() => page.getByRole("button", { name: "New conversation" }).click())
      yield* on(() => page.getByRole("button", { name: "Send message" }).waitFor())
      assert.strictEqual(yield* on(() => page.locator(".message").count()), 1)
      yield* on(() => page.clock.resume())
      yield* send("full stops")
      yield* on(() => page.locator(".message-agent:last-child:not(.writing) .body").waitFor())
      assert.isTrue((yield* on(() => page.locator(".message-agent:last-child .body").textContent()))?.endsWith("end."))
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("in one paragraph has few text nodes, however many words it arrived in", () =>
    Effect.gen(function* () {
      const { begin, on, page, send } = yield* ChatPage.make()
      yield* begin
      yield* send("words")
      const body = page.locator(".message-agent.writing .body")
      yield* until("the last word", async () => (await body.textContent())!.length >= words.length - 1)
      const nodes = yield* on(() =>
        body.locator("p").evaluateAll((all) => all.map(({ childNodes }) => childNodes.length))
      )
      assert.isAtMost(nodes.length, 10)
      assert.strictEqual(Math.max(...nodes), 1)
    })
  )
})

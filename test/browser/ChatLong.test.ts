/**
 * A long answer in one piece, as of an agent that does not stream: the page goes on, whatever it is made of.
 */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as MemoryAgentStream from "../../src/memory/chat/AgentStream.ts"
import { inChromium, until } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"

/** So long that a page which takes the square of it stands still for longer than a test waits. */
const many = (part: string): string => part.repeat(400_000 / part.length)

/** Answers by what they are made of, and what is read of each where that is not all of it. */
const answers: Readonly<Record<string, readonly [answer: string, shown?: string]>> = {
  "full stops": [`a${many(".")}end.`],
  "a code span's marks": [`${many("`")} end.`],
  "a rule's marks": [`${many("-")} end.`],
  "a fence's language": [`\`\`\`${many("x")} end.`],
  "a list's number": [`${many("1")} end.`],
  "a line break's white space": [`<br${many(" ")} end.`],
  "code's white space": [`\`\`\`\na\n${many(" ")} end.`],
  "an address": [`http://a${many(".")} end.`],
  "a link's address": [`[a](${many("x")}) end.`, "a end."],
  "a link's white space": [`[a](b${many(" ")}c) end.`, "a end."],
  "a link's titles": [`[a](b${many(' "')}c) end.`, "a end."],
  brackets: [`${many("[")} end.`],
  rows: [`|a|\n|-|\n${many("|a|\n")}\nend.`, `a${many("a").slice(300_000)}end.`]
}

const words = `${"some words of a paragraph without an end ".repeat(250)}end.`

const agent = testServer({}, ({ message }) =>
  message === "words"
    ? Stream.concat(Stream.dropRight(MemoryAgentStream.texts(words.match(/\S+\s?/g)!), 1), Stream.never)
    : MemoryAgentStream.texts([answers[message]![0]])
)

inChromium("a long answer", agent, (it) => {
  for (const [name, [answer, shown = answer]] of Object.entries(answers)) {
    it.effect(`of ${name} is shown, and spoken to its end`, () =>
      Effect.gen(function* () {
        const { begin, errors, on, page, send, spoken } = yield* ChatPage.make()
        yield* begin
        yield* send(name)
        yield* on(() => page.locator(".message-agent:last-child:not(.writing) .body").waitFor())
        const read = yield* on(() => page.locator(".message-agent:last-child .body").textContent())
        assert.isTrue(read === shown, `${read?.length} ${read?.slice(0, 20)} ${read?.slice(-20)}`)
        assert.match((yield* on(spoken)).at(-1) ?? "", /end\.$/)
        assert.deepStrictEqual(errors, [])
      })
    )
  }

  it.effect("in one paragraph is made of few texts, however many words it came in", () =>
    Effect.gen(function* () {
      const { begin, on, page, send } = yield* ChatPage.make()
      yield* begin
      yield* send("words")
      const paragraph = page.locator(".message-agent.writing .body p")
      yield* until("the last word", async () => (await paragraph.textContent())?.endsWith(" end"))
      // Each of which a browser lays out by itself, at every word that comes.
      assert.isAtMost(
        yield* on(() => paragraph.evaluate(({ childNodes }) => childNodes.length)),
        words.length / 4096 + 1
      )
    })
  )
})

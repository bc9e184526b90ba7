/**
 * A website with a chat: what the tests of the chat start from. The website, the relay to the edge and the edge are three
 * origins. The agent does what a message says, so that a test reads as what a visitor does.
 *
 * @module
 */
import { Effect, Stream } from "effect"
import type { AgentEvent, AgentRequest } from "../../../src/core/chat/Agent.ts"
import * as MemoryAgentStream from "../../../src/memory/chat/AgentStream.ts"
import { AgentBroken, type AgentError, AgentRefused, AgentTimeout } from "../../../src/services/chat/AgentStream.ts"
import { paths, TestServer } from "../TestServer.ts"
import { Chromium, until, type VisitorOptions } from "./Browser.ts"
import * as Network from "./Network.ts"

/** What the agent was asked, oldest first, and which of its answers go on. */
export interface Asked {
  readonly requests: Array<MemoryAgentStream.ScriptedRequest>
  readonly ongoing: Set<AgentRequest>
  /** What answers to `wait: ` wait for. */
  gate: PromiseWithResolvers<void>
}

const words = (text: string): ReadonlyArray<string> => text.match(/\s*\S+\s?|\s+/g) ?? []

const said = (text: string): Stream.Stream<AgentEvent> =>
  Stream.fromIterable<AgentEvent>([
    { _tag: "Accepted" },
    ...words(text).map((delta): AgentEvent => ({ _tag: "Text", delta }))
  ])

const behaviour = (message: string, gate: Promise<void>): Stream.Stream<AgentEvent, AgentError> => {
  const [name = "", rest = ""] = message.split(/: ?(.*)/s, 2)
  switch (name) {
    // Says so much, and then nothing more.
    case "begin":
      return Stream.concat(said(rest), Stream.never)
    // Says what is before the bar, waits, and says the rest.
    case "wait": {
      const [before = "", after = ""] = rest.split("|")
      return said(before).pipe(
        Stream.concat(Stream.drain(Stream.fromEffect(Effect.promise(() => gate)))),
        Stream.concat(Stream.drop(MemoryAgentStream.texts(words(after)), 1))
      )
    }
    case "break":
      return Stream.concat(said(rest), Stream.fail(new AgentBroken({ reason: "test" })))
    case "refuse":
      return Stream.fail(new AgentRefused({ reason: "test" }))
    case "late":
      return Stream.fail(new AgentTimeout())
    case "say":
      return MemoryAgentStream.texts(words(rest))
    default:
      return MemoryAgentStream.texts(["You said ", message, "."])
  }
}

/** The newest request, for a test that waits for its end. */
export const newest = (asked: Asked): { readonly isOngoing: () => boolean } => {
  const request = asked.requests.at(-1)
  return { isOngoing: () => request !== undefined && asked.ongoing.has(request) }
}

/** An agent that answers by `name: text` of the message, or repeats it, and what it was asked. */
export const agent = (): { readonly script: MemoryAgentStream.Script; readonly asked: Asked } => {
  const asked: Asked = { requests: [], ongoing: new Set(), gate: Promise.withResolvers() }
  return {
    asked,
    script: (request) => {
      asked.requests.push(request)
      asked.ongoing.add(request)
      return Stream.ensuring(
        behaviour(request.message, asked.gate.promise),
        Effect.sync(() => {
          asked.ongoing.delete(request)
        })
      )
    }
  }
}

export interface Options extends VisitorOptions {
  /** The element's attributes beside its ids. */
  readonly attributes?: string
  /** Around the element. */
  readonly html?: (script: string, element: string) => string
  /** The page's own headers. */
  readonly headers?: (edge: string) => Record<string, string>
  /** What the website sends on to the edge by itself, by the beginning of the path. */
  readonly forwards?: string
  readonly token?: string
}

const document = (script: string, element: string): string =>
  `<!doctype html><html lang="en"><head><title>Shop</title><meta name="viewport" content="width=device-width"></head>
<body><main><h1>Shop</h1><p><a href="/other">Other</a> <button>Page button</button></p></main>${script}${element}</body></html>`

/** A website on `www.shop.test` with a chat on `/` and `/other`, its edge behind a relay, and a visitor. */
export const make = Effect.fnUntraced(function* (options: Options = {}) {
  const { attributes = "", forwards, headers, html = document, token, ...visitorOptions } = options
  const edge = yield* TestServer
  const relay = yield* Network.listen({ host: "edge.test", forward: { "": edge.url } })
  const pages: Record<string, string | Network.Document> = {}
  const site = yield* Network.listen({
    host: "www.shop.test",
    pages,
    forward: forwards === undefined ? {} : { [forwards]: edge.url }
  })
  const base = forwards === undefined ? relay.url : forwards
  const script = `<script type="module" src="${base}/v1/public/chat.js"></script>`
  const element = `<hydracore-chat instance="${edge.instance.instanceId}" token="${token ?? edge.widgetToken}" ${attributes}></hydracore-chat>`
  const body = html(script, element)
  pages["/"] = pages["/other"] = { body, headers: headers?.(relay.url) ?? {} }
  const visitor = yield* (yield* Chromium).visitor(visitorOptions)
  const { page } = visitor
  const on = <A>(use: (it: typeof page) => Promise<A>) => Effect.promise(() => use(page))
  const input = page.getByRole("textbox", { name: "Your message" })
  return {
    ...visitor,
    edge,
    relay,
    site,
    pages,
    on,
    script,
    element,
    /** The path that messages are sent to. */
    path: paths.chat(edge.instance.instanceId),
    launcher: page.getByRole("button", { name: "Open chat" }),
    panel: page.getByRole("dialog"),
    input,
    log: page.getByRole("log"),
    /** The texts of the agent's messages that are seen, the greeting first. */
    answers: () => page.locator(".message-agent .body:visible").allTextContents(),
    /** What was spoken, oldest first. */
    spoken: () => page.locator("[aria-live=polite] p").allTextContents(),
    begin: Effect.andThen(
      visitor.open(site.url),
      on(() => page.getByRole("button", { name: "Open chat" }).click())
    ),
    send: (text: string) =>
      on(async () => {
        await input.fill(text)
        await input.press("Enter")
      }),
    /** Waits until the newest of the agent's messages reads so, and is complete. */
    answered: (text: string | RegExp) =>
      until(
        () => `the answer ${text}`,
        async () => {
          const body = page.locator(".message-agent:last-child:not(.writing) .body")
          if ((await body.count()) !== 1) return false
          const read = ((await body.textContent()) ?? "").trim()
          return typeof text === "string" ? read === text : text.test(read)
        }
      ),
    /** Waits until the newest of the agent's messages has this text, complete or not. */
    answering: (text: string) =>
      on(() => page.locator(".message-agent:last-child .body").getByText(text).last().waitFor({ state: "visible" })),
    /** Waits until something with this text is seen. */
    sees: (text: string | RegExp) => on(() => page.getByText(text).last().waitFor({ state: "visible" }))
  }
})

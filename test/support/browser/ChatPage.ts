/**
 * A website with a chat, for tests. The website, the relay to the edge and the edge have three different origins. Messages are
 * instructions to the agent.
 *
 * @module
 */
import { Effect, Stream } from "effect"
import * as ScriptedAgent from "../../../src/chat/AgentStream.ts"
import { AgentBroken, type AgentError, AgentRefused, AgentTimeout } from "../../../src/chat/AgentStream.ts"
import type { AgentEvent, AgentRequest } from "../../../src/chat/agent/Agent.ts"
import { paths, TestServer } from "../TestServer.ts"
import { Chromium, type VisitorOptions } from "./Browser.ts"
import * as ChatActions from "./ChatActions.ts"
import * as Network from "./Network.ts"

/** The agent's requests, oldest first, and those whose answers have not ended. */
export interface AgentState {
  readonly requests: Array<ScriptedAgent.ScriptedRequest>
  readonly ongoing: Set<AgentRequest>
  /** Answers to `wait`, `think` and `tool` continue when this promise resolves. */
  gate: PromiseWithResolvers<void>
}

const words = (text: string): ReadonlyArray<string> => text.match(/\s*\S+\s?|\s+/g) ?? []

/** The path of the script that a press of the button loads. */
export const panelScript = /\/chat-panel\.[0-9a-f]{8}\.js/

/** The beginning of an answer: the text, word by word, without a `Finish`. */
const answerOf = (text: string): Stream.Stream<AgentEvent> =>
  Stream.fromIterable<AgentEvent>([
    { _tag: "Accepted" },
    ...words(text).map((delta): AgentEvent => ({ _tag: "Text", delta }))
  ])

const behaviour = (message: string, gate: Promise<void>): Stream.Stream<AgentEvent, AgentError> => {
  const [name = "", rest = ""] = message.split(/: ?(.*)/s, 2)
  switch (name) {
    // Sends the text and never ends.
    case "begin":
      return Stream.concat(answerOf(rest), Stream.never)
    // Sends the text before the bar, waits for the gate, and sends the rest.
    case "wait": {
      const [before = "", after = ""] = rest.split("|")
      return answerOf(before).pipe(
        Stream.concat(Stream.drain(Stream.fromEffect(Effect.promise(() => gate)))),
        Stream.concat(Stream.drop(ScriptedAgent.texts(words(after)), 1))
      )
    }
    // Sends the text, waits for the gate, and fails.
    case "fail":
      return answerOf(rest).pipe(
        Stream.concat(Stream.drain(Stream.fromEffect(Effect.promise(() => gate)))),
        Stream.concat(Stream.fail(new AgentBroken({ reason: "test" })))
      )
    // Reasons, or runs the tool of this name, waits for the gate, and answers.
    case "think":
    case "tool": {
      const event: AgentEvent =
        name === "think" ? { _tag: "Reasoning", delta: "hm" } : { _tag: "Tool", id: "t", name: rest, state: "running" }
      return Stream.fromIterable<AgentEvent>([{ _tag: "Accepted" }, event]).pipe(
        Stream.concat(Stream.drain(Stream.fromEffect(Effect.promise(() => gate)))),
        Stream.concat(Stream.drop(ScriptedAgent.texts(["Done ", "thinking."]), 1))
      )
    }
    // Sends a text, then sources, each as `title=url`.
    case "cite": {
      const [text = "", ...sources] = rest.split("|")
      return answerOf(text).pipe(
        Stream.concat(
          Stream.fromIterable(
            sources.map((source): AgentEvent => {
              const [title = "", url = ""] = source.split(/=(.*)/s)
              return { _tag: "Source", title: title || null, url }
            })
          )
        ),
        Stream.concat(Stream.succeed<AgentEvent>({ _tag: "Finish", reason: "stop" }))
      )
    }
    // Sends two texts, with a tool between them.
    case "parts": {
      const [before = "", after = ""] = rest.split("|")
      return answerOf(before).pipe(
        Stream.concat(Stream.succeed<AgentEvent>({ _tag: "Tool", id: "t", name: "search", state: "running" })),
        Stream.concat(Stream.drop(ScriptedAgent.texts(words(after)), 1))
      )
    }
    case "break":
      return Stream.concat(answerOf(rest), Stream.fail(new AgentBroken({ reason: "test" })))
    case "refuse":
      return Stream.fail(new AgentRefused({ reason: "test" }))
    case "late":
      return Stream.fail(new AgentTimeout())
    case "say":
      return ScriptedAgent.texts(words(rest))
    default:
      return ScriptedAgent.texts(["You said ", message, "."])
  }
}

/** The request that is the newest now. A test waits until it is no longer ongoing. */
export const newest = (state: AgentState): { readonly isOngoing: () => boolean } => {
  const request = state.requests.at(-1)
  return { isOngoing: () => request !== undefined && state.ongoing.has(request) }
}

/** An agent that follows instructions such as `name: text` and repeats other messages, and its requests. */
export const agent = (): { readonly script: ScriptedAgent.Script; readonly state: AgentState } => {
  const state: AgentState = { requests: [], ongoing: new Set(), gate: Promise.withResolvers() }
  return {
    state,
    script: (request) => {
      state.requests.push(request)
      state.ongoing.add(request)
      return Stream.ensuring(
        behaviour(request.message, state.gate.promise),
        Effect.sync(() => {
          state.ongoing.delete(request)
        })
      )
    }
  }
}

export interface Options extends VisitorOptions {
  /** The website's host. Browsers trust pages of `localhost` and hosts below it as if they had TLS. */
  readonly host?: string
  /** The element's attributes besides `instance` and `token`. */
  readonly attributes?: string
  /** The page around the script and the element. */
  readonly html?: (script: string, element: string) => string
  /** The page's own headers. */
  readonly headers?: (edge: string) => Record<string, string>
  /** The prefix of paths that the website forwards to the edge. */
  readonly forwards?: string
  readonly token?: string
}

const document = (script: string, element: string): string =>
  `<!doctype html><html lang="en"><head><title>Shop</title><meta name="viewport" content="width=device-width"></head>
<body><main><h1>Shop</h1><p><a href="/other">Other</a> <button>Page button</button></p></main>${script}${element}</body></html>`

/** Starts a website, by default on `www.shop.test`, with a chat on `/` and `/other`, a relay to the edge, and a visitor. */
export const make = Effect.fnUntraced(function* (options: Options = {}) {
  const { attributes = "", forwards, headers, host, html = document, token, ...visitorOptions } = options
  const edge = yield* TestServer
  const relay = yield* Network.listen({ host: "edge.test", forward: { "": edge.url } })
  const pages: Record<string, string | Network.Document> = {}
  const site = yield* Network.listen({
    host: host ?? "www.shop.test",
    pages,
    forward: forwards === undefined ? {} : { [forwards]: edge.url }
  })
  const base = forwards === undefined ? relay.url : forwards
  const script = `<script type="module" src="${base}/v1/public/chat.js"></script>`
  const element = `<hydracore-chat instance="${edge.instance.instance_id}" token="${token ?? edge.widgetToken}" ${attributes}></hydracore-chat>`
  const body = html(script, element)
  pages["/"] = pages["/other"] = { body, headers: headers?.(relay.url) ?? {} }
  const visitor = yield* (yield* Chromium).visitor(visitorOptions)
  const { page } = visitor
  const on = <A>(use: (it: typeof page) => Promise<A>) => Effect.promise(() => use(page))
  const input = page.getByRole("textbox", { name: "Your message" })
  const chat = ChatActions.on(page)
  return {
    ...visitor,
    ...chat,
    edge,
    relay,
    site,
    pages,
    on,
    script,
    element,
    /** The path of the chat endpoint. */
    path: paths.chat(edge.instance.instance_id),
    launcher: page.getByRole("button", { name: "Open chat" }),
    panel: page.getByRole("dialog"),
    input,
    log: page.getByRole("log"),
    begin: Effect.andThen(visitor.open(site.url), chat.press("Open chat"))
  }
})

/**
 * Pages that use a client from npm. They run the code of the chat guide.
 *
 * @module
 */
import { Effect } from "effect"
import { build } from "esbuild"
import * as Documents from "../../docs/Documents.ts"
import { paths, TestServer } from "../TestServer.ts"
import * as Network from "./Network.ts"

/** The code that the guide shows for a package: its imports, and the statement after them. */
const guideCode = (packageName: string) => {
  const block = Documents.blocksOf("src/docs/chat.md").find(
    ({ language, text }) => language === "js" && text.includes(`from "${packageName}"`)
  )
  if (block === undefined) throw new Error(`The chat guide shows no code for ${packageName}`)
  const [imports = "", statement = ""] = block.text.split(/\n\n/, 2)
  return { imports, statement }
}

const apps = {
  useChat: () => {
    const { imports, statement } = guideCode("@ai-sdk/react")
    return `${imports}
      import { createElement } from "react"
      import { createRoot } from "react-dom/client"
      const chatId = location.hash.slice(1)
      const App = () => {
        ${statement}
        window.chat = { sendMessage, regenerate, stop }
        const textOf = ({ parts }) => parts.map((part) => part.type === "text" ? part.text : "").join("")
        return createElement("main", null,
          messages.map((message) => createElement("p", { key: message.id, className: message.role }, textOf(message))),
          createElement("output", null, error?.message))
      }
      createRoot(document.body).render(createElement(App))`
  },
  assistantUi: () => {
    const { imports, statement } = guideCode("@assistant-ui/react-ai-sdk")
    return `${imports}
      import { AssistantRuntimeProvider } from "@assistant-ui/core/react"
      import { createElement } from "react"
      import { createRoot } from "react-dom/client"
      const App = () => {
        ${statement}
        window.runtime = runtime
        return createElement(AssistantRuntimeProvider, { runtime }, null)
      }
      createRoot(document.body).render(createElement(App))`
  },
  openAi: () => {
    const { imports, statement } = guideCode("openai")
    return `${imports}
      window.ask = async (messages, conversationId) => {
        ${statement}
        let text = ""
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ""
        return text
      }`
  },
  agUi: () => {
    const { imports, statement } = guideCode("@ag-ui/client")
    return `${imports}
      window.ask = async () => {
        ${statement}
        return agent.messages.map(({ content }) => content)
      }`
  },
  fetchEventSource: () => {
    const { imports, statement } = guideCode("@microsoft/fetch-event-source")
    return `${imports}
      window.ask = async (message, conversation_id) => {
        const frames = []
        const show = (frame) => frames.push(frame)
        ${statement}
        return frames
      }`
  }
}

/** Serves a page that runs the client, on another host than the edge. */
export const serve = Effect.fnUntraced(function* (client: keyof typeof apps) {
  const edge = yield* TestServer
  const relay = yield* Network.listen({ host: "edge.test", forward: { "": edge.url } })
  const code = apps[client]()
    .replaceAll("https://edge.example", relay.url)
    .replaceAll("<instance_id>", edge.instance.instance_id)
    .replaceAll("<widget_token>", edge.widgetToken)
  const bundle = yield* Effect.promise(() =>
    build({
      stdin: { contents: code, resolveDir: Documents.root },
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      define: { "process.env.NODE_ENV": '"production"' }
    })
  )
  const script = bundle.outputFiles[0]!.text
  const site = yield* Network.listen({
    host: "www.shop.test",
    pages: {
      "/": `<!doctype html><title>Client</title><body></body><script type="module" src="/client.js"></script>`,
      "/client.js": { body: script, headers: { "content-type": "text/javascript" } }
    }
  })
  return { site, relay, path: paths.chat(edge.instance.instance_id) }
})

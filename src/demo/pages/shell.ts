/**
 * The panel next to the demo's website: a live view of what the service receives.
 *
 * @module
 */
import type { Numbered } from "../Arrival.ts"

/** The maximum number of entries shown. Older entries are removed, but stay in the counts. */
const maxEntries = 60

const byId = (id: string): HTMLElement => document.getElementById(id)!

const feed = byId("feed")
// A scrollable region must be reachable by keyboard.
feed.tabIndex = 0
const state = byId("state")
const counts = { views: 0, submissions: 0, tokens: 0 }
/** The answers in progress, by conversation. */
const answers = new Map<string, { readonly tokens: HTMLElement; readonly meta: HTMLElement; count: number }>()
let newest = 0

const element = (name: string, className: string, ...children: ReadonlyArray<Node | string>): HTMLElement => {
  const made = document.createElement(name)
  if (className !== "") made.className = className
  made.append(...children)
  return made
}

const count = (name: keyof typeof counts): void => {
  counts[name]++
  byId(name).textContent = counts[name].toLocaleString("en")
}

const entry = (
  kind: "view" | "submission" | "chat",
  title: string,
  at: number,
  ...parts: ReadonlyArray<Node>
): void => {
  const time = new Date(at).toLocaleTimeString("en-GB")
  const header = element("header", "head", element("b", "", title), element("time", "", time))
  feed.prepend(element("article", kind, header, ...parts))
  while (feed.children.length > maxEntries) feed.lastElementChild?.remove()
}

const tried = (what: "view" | "submission" | "chat"): void => byId(`try-${what}`).classList.add("done")

const joined = (...parts: ReadonlyArray<string | null>): string => parts.filter((part) => part).join(" · ")

const show = (arrival: Numbered): void => {
  switch (arrival.type) {
    case "view": {
      const { at, browser, campaign, country, device, exclusion, os, path, referrer } = arrival
      const from = referrer === null ? null : `from ${referrer}`
      const meta = element(
        "p",
        "meta",
        joined(
          device,
          browser,
          os,
          country,
          campaign && `campaign ${campaign}`,
          exclusion === null ? null : `${exclusion}, not counted`,
          from
        )
      )
      entry("view", "Page view", at, element("p", "path", path), meta)
      count("views")
      // The website also loads without the link, when this page is opened.
      if (campaign !== null) tried("view")
      break
    }
    case "submission": {
      const { at, fields, id, page } = arrival
      const list = element("dl", "")
      for (const [name, value] of fields) list.append(element("dt", "", name), element("dd", "", value))
      entry("submission", joined("Form submission", page), at, list, element("p", "meta", `stored as ${id}`))
      count("submissions")
      if (page === "contact") tried("submission")
      break
    }
    case "question": {
      const tokens = element("p", "tokens")
      const meta = element("p", "meta", "waiting for the agent")
      entry("chat", "Chat", arrival.at, element("p", "question", arrival.text), tokens, meta)
      tried("chat")
      answers.set(arrival.chat, { tokens, meta, count: 0 })
      break
    }
    case "token": {
      const answer = answers.get(arrival.chat)
      count("tokens")
      if (answer === undefined) break
      answer.tokens.append(element("span", "token", arrival.text))
      answer.count++
      answer.meta.textContent = `${answer.count} tokens`
      break
    }
    case "erased":
      for (const written of feed.querySelectorAll(".submission, .chat")) written.remove()
      answers.clear()
      break
    case "answered": {
      const answer = answers.get(arrival.chat)
      answers.delete(arrival.chat)
      if (answer === undefined || arrival.isWhole) break
      answer.meta.textContent = `${answer.count} tokens, then it was interrupted`
      answer.meta.classList.add("failed")
    }
  }
}

const events = new EventSource("/demo/events")
events.addEventListener("open", () => {
  state.textContent = "live"
  state.className = "live"
})
events.addEventListener("error", () => {
  state.textContent = "connecting"
  state.className = ""
})
events.addEventListener("message", ({ data }) => {
  const arrival = JSON.parse(data) as Numbered
  // After a restart of the service, numbers start at 1 again.
  if (arrival.number === 1) newest = 0
  // A new connection replays recent events.
  if (arrival.number <= newest) return
  newest = arrival.number
  show(arrival)
})

addEventListener("message", ({ data, origin }) => {
  if (origin === location.origin && typeof data?.hydracoreDemo === "string") {
    byId("address").textContent = data.hydracoreDemo
  }
})

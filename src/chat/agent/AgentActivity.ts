/**
 * What an agent is doing while it sends no text, as visitors see it. Pure.
 *
 * The activities are few and general: the name of a tool may reveal more about an agent than its owner chose to show.
 *
 * @module
 */
import type { AgentEvent } from "./Agent.ts"

export type AgentActivity = "thinking" | "searching" | "working"

const searches = /search|fetch|brows|retriev|crawl/i

/** The activity that an event shows; null for an event that shows none. */
export const of = (event: AgentEvent): AgentActivity | null => {
  if (event._tag === "Reasoning") return "thinking"
  if (event._tag !== "Tool" || event.state === "done") return null
  return searches.test(event.name) ? "searching" : "working"
}

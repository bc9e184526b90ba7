/**
 * Texts of the page with the live activity.
 *
 * @module
 */
export const live = {
  list: "What arrives",
  pause: "Pause",
  resume: "Resume",
  paused: (waiting: number): string =>
    waiting === 0 ? "Paused." : waiting === 1 ? "Paused. 1 new entry waits." : `Paused. ${waiting} new entries wait.`,
  /** While the mouse is over the list, which then stands still. */
  held: (waiting: number): string =>
    waiting === 0
      ? ""
      : `${waiting === 1 ? "1 new entry waits" : `${waiting} new entries wait`} until the pointer leaves the list.`,
  connecting: "The connection was lost. The console tries again automatically.",
  failed: "The live activity cannot be loaded",
  failedBody: "The console tries again automatically every few seconds. If this continues, ask the operator.",
  kinds: {
    pageview: "Page view",
    event: "Event",
    submission: "Submission",
    conversation: "Conversation"
  },
  quarantined: "Quarantined",
  form: "Form",
  began: "A visitor began to chat",
  from: (source: string): string => `from ${source}`,
  /** For screen readers. */
  news: (counts: ReadonlyArray<readonly [kind: string, count: number]>): string =>
    counts.map(([kind, count]) => `${kind}: ${count}`).join(", "),
  empty: "Nothing has arrived yet",
  emptyBody:
    "Page views, events, submissions and chats appear here a few seconds after a visitor makes them. Paste the tag into your pages, and open one in another tab: your own visits count too."
} as const

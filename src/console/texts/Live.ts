/**
 * Texts of the page with the live activity.
 *
 * @module
 */
export const live = {
  visits: "On the website now",
  /** A visitor can have several visits, such as in two tabs. */
  inVisits: (count: number): string => `, in ${count} visits`,
  nobody: "Nobody is on the website now.",
  lastView: (when: string): string => `The last page view was at ${when}.`,
  notAll: (count: number): string => `These are the ${count} visits with the latest page views and events.`,
  pages: (count: number): string => (count === 1 ? "1 page view" : `${count} page views`),
  since: "since",
  list: "Submissions, chats and events",
  pause: "Pause",
  resume: "Resume",
  paused: (isWaiting: boolean): string => (isWaiting ? "Paused. There is something new." : "Paused."),
  /** While the mouse is over the lists, which then stand still. */
  held: "There is something new. It is shown when the pointer leaves the lists.",
  connecting: "The connection was lost. The console tries again automatically.",
  failed: "The live activity cannot be loaded",
  failedBody: "The console tries again automatically every few seconds. If this continues, ask the operator.",
  kinds: {
    event: "Event",
    submission: "Submission",
    conversation: "Conversation"
  },
  quarantined: "Quarantined",
  form: "Form",
  began: "A visitor began to chat",
  from: (source: string): string => `from ${source}`,
  direct: "direct",
  /** For screen readers. */
  news: (counts: ReadonlyArray<readonly [kind: string, count: number]>): string =>
    counts.map(([kind, count]) => `${kind}: ${count}`).join(", "),
  empty: "Nothing has arrived yet",
  emptyBody:
    "Visits, submissions, chats and events appear here a few seconds after a visitor makes them. Paste the tag into your pages, and open one in another tab: your own visits count too."
} as const

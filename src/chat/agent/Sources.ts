/**
 * The sources of one answer, each URL once.
 *
 * @module
 */
import type { AgentEvent } from "../../core/chat/agent/Agent.ts"
import { maxSources, maxTitle, maxUrl } from "../../core/chat/conversation/AnswerParts.ts"

type Source = AgentEvent & { readonly _tag: "Source" }

/** The maximum number of retrieved pages that are the sources of an answer without citations. */
const maxRetrieved = 10

/** Whether a URL may be a web page's: a visitor's browser opens nothing else. */
const isPage = (url: string): boolean => url.length <= maxUrl && /^https?:\/\//i.test(url) && URL.canParse(url)

const sourceOf = (url: string, title: string): Source => {
  const text = title.trim().slice(0, maxTitle).toWellFormed()
  return { _tag: "Source", url: url.toWellFormed(), title: text === "" ? null : text }
}

export class Sources {
  private readonly citedUrls = new Set<string>()
  private readonly retrieved = new Map<string, Source>()

  /** Adds a page that the answer cites. Null if the page was cited before, is not a web page, or follows `maxSources` others. */
  cite(url: string, title: string): Source | null {
    if (this.citedUrls.size >= maxSources || this.citedUrls.has(url) || !isPage(url)) return null
    this.citedUrls.add(url)
    return sourceOf(url, title)
  }

  /** Adds a page that the agent's side retrieved, whether the answer cites it or not. */
  addRetrieved(url: string, title: string): void {
    if (this.retrieved.size >= maxRetrieved || this.retrieved.has(url) || !isPage(url)) return
    this.retrieved.set(url, sourceOf(url, title))
  }

  /** The retrieved pages of an answer that ended without a citation; none for an answer with one. */
  fallback(): ReadonlyArray<Source> {
    if (this.citedUrls.size > 0) return []
    return [...this.retrieved.values()]
  }
}

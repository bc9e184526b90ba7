/**
 * Collects the events that a protocol's reader finds in one answer, and decides how the answer ends.
 *
 * @module
 */
import { Result } from "effect"
import { maxSources, maxTitle, maxUrl } from "../conversations/AnswerParts.ts"
import type { AgentEvent, AgentFinish, FinishReason } from "./Agent.ts"

const nameShape = /^[A-Za-z][A-Za-z0-9_.:+/-]{0,63}$/

/** The name of an event or of a type of content that is not of an agent's protocol, for the log, if it looks like one. Any other text could be a visitor's. */
export const cleanName = (name: string): string => (nameShape.test(name) ? name : "without a name")

const open = "<think>"
const close = "</think>"

/** The maximum white space before `<think>`, in UTF-16 units. After more white space, the tag is text. */
const maxIndent = 256

/** The state of the parser. The first one is `initial`; in phase `text`, nothing more is separated. */
export interface ThinkState {
  readonly phase: "start" | "thinking" | "text"
  /** The end of the input so far, while it may be part of a tag. */
  readonly held: string
}

export const initialThinking: ThinkState = { phase: "start", held: "" }

export interface Read {
  readonly state: ThinkState
  readonly reasoning: string
  readonly text: string
}

/** The length of the longest suffix of `text` that begins the closing tag. */
const partialClose = (text: string): number => {
  for (let length = Math.min(close.length - 1, text.length); length > 0; length--) {
    if (close.startsWith(text.slice(-length))) return length
  }
  return 0
}

const think = (text: string): Read => {
  const at = text.indexOf(close)
  if (at >= 0) {
    const state: ThinkState = { phase: "text", held: "" }
    return { state, reasoning: text.slice(0, at), text: text.slice(at + close.length) }
  }
  const cut = text.length - partialClose(text)
  return { state: { phase: "thinking", held: text.slice(cut) }, reasoning: text.slice(0, cut), text: "" }
}

/** Reads the next delta. The result does not depend on how the text is split into deltas. */
export const readThinking = (state: ThinkState, delta: string): Read => {
  if (state.phase === "text") return { state, reasoning: "", text: delta }
  const text = state.held + delta
  if (state.phase === "thinking") return think(text)
  const begin = text.trimStart()
  const isIndented = text.length - begin.length <= maxIndent
  if (isIndented && begin.startsWith(open)) return think(begin.slice(open.length))
  return isIndented && open.startsWith(begin)
    ? { state: { phase: "start", held: text }, reasoning: "", text: "" }
    : { state: { phase: "text", held: "" }, reasoning: "", text }
}

/** The held text at the end of the input, as reasoning or text. */
export const endThinking = (state: ThinkState): Omit<Read, "state"> =>
  state.phase === "thinking" ? { reasoning: state.held, text: "" } : { reasoning: "", text: state.held }

/** The maximum number of tool calls that an answer reports. Later ones are ignored. */
const maxTools = 200

/** The longest name and id of a tool, in UTF-16 units. Longer ones are cut. */
const maxName = 100
const maxId = 200

interface Tokens {
  readonly inputTokens: number
  readonly outputTokens: number
}

const noTokens: Tokens = { inputTokens: 0, outputTokens: 0 }

type Source = AgentEvent & { readonly _tag: "Source" }

/** The maximum number of retrieved pages that are the sources of an answer without citations. */
const maxRetrieved = 10

/** Whether a URL may be a web page's: a visitor's browser opens nothing else. */
const isPage = (url: string): boolean => url.length <= maxUrl && /^https?:\/\//i.test(url) && URL.canParse(url)

const sourceOf = (url: string, title: string): Source => {
  const text = title.trim().slice(0, maxTitle).toWellFormed()
  return { _tag: "Source", url: url.toWellFormed(), title: text === "" ? null : text }
}

/** The sources of one answer, each URL once. */
class Sources {
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

/** How an answer ended: with a finish reason, without text, or with a fault. */
export type Ending = Result.Result<
  FinishReason,
  { readonly _tag: "Empty" } | { readonly _tag: "Fault"; readonly fault: string }
>

export class Answer {
  /** The events that were read and not taken yet. */
  private events: Array<AgentEvent> = []
  /** Why reading must stop; undefined if it may continue. */
  fault: string | undefined
  /** Whether the protocol says that nothing follows. */
  isDone = false
  /** The last finish reason of the agent. Text after it belongs to the answer too. */
  finishReason: AgentFinish | undefined
  /** Whether the answer has text other than whitespace. */
  private hasText = false
  /** The state of the search for `<think>…</think>`. Undefined once no `<think>` can follow. */
  private opening: ThinkState | undefined = initialThinking
  private sources: Sources | undefined
  /** The names of the tools that run, by id; null for the tools that are done. */
  private tools: Map<string, string | null> | undefined
  private firstUnknown: string | undefined
  private hasUsage = false
  private earlierTokens = noTokens
  private tokens = noTokens

  /** The events since the last call. */
  take(): ReadonlyArray<AgentEvent> {
    const { events } = this
    if (events.length > 0) this.events = []
    return events
  }

  get isEmpty(): boolean {
    return !this.hasText
  }

  text(delta: string): void {
    if (this.opening === undefined) {
      this.addText(delta)
      return
    }
    const { reasoning, state, text } = readThinking(this.opening, delta)
    this.opening = state.phase === "text" ? undefined : state
    if (reasoning !== "") this.reasoning(reasoning)
    this.addText(text)
  }

  refusal(delta: string): void {
    if (delta === "") return
    this.hasText ||= delta.trim() !== ""
    this.events.push({ _tag: "Refusal", delta })
  }

  /** `delta` is empty if the agent hides its reasoning. */
  reasoning(delta: string): void {
    this.events.push({ _tag: "Reasoning", delta })
  }

  /** A page that the answer cites. */
  source(url: string, title: string): void {
    this.sources ??= new Sources()
    const source = this.sources.cite(url, title)
    if (source !== null) this.events.push(source)
  }

  /**
   * A page that the agent or its provider retrieved, for example by a web search. It becomes a source if the answer cites no
   * page.
   */
  retrieved(url: string, title: string): void {
    this.sources ??= new Sources()
    this.sources.addRetrieved(url, title)
  }

  /** A tool has started. */
  tool(id: string, name: string): void {
    this.tools ??= new Map()
    const key = id.slice(0, maxId)
    if (this.tools.has(key) || this.tools.size >= maxTools) return
    const short = name.slice(0, maxName)
    this.tools.set(key, short)
    this.events.push({ _tag: "Tool", id: key, name: short, state: "running" })
  }

  /** A tool has ended. Ignored if no tool with this id runs. */
  toolDone(id: string): void {
    const key = id.slice(0, maxId)
    const name = this.tools?.get(key)
    if (typeof name !== "string") return
    this.tools?.set(key, null)
    this.events.push({ _tag: "Tool", id: key, name, state: "done" })
  }

  /** The tokens of the message that is being read, so far. */
  usage(inputTokens: number, outputTokens: number): void {
    this.hasUsage = true
    this.tokens = { inputTokens, outputTokens }
  }

  /** The input tokens of the message that is being read, for a later report that has only output tokens. */
  get inputTokens(): number {
    return this.tokens.inputTokens
  }

  finish(reason: AgentFinish): void {
    this.finishReason = reason
  }

  /** Another message begins. If an earlier message ended, its finish reason is dropped and its tokens are kept. */
  beginMessage(): void {
    if (this.finishReason === undefined) return
    this.finishReason = undefined
    this.earlierTokens = this.total()
    this.tokens = noTokens
  }

  /** Nothing follows. */
  done(): void {
    this.isDone = true
  }

  /** Records a fault, after which reading must stop. Only the first fault is kept. */
  fail(fault: string): void {
    this.fault ??= fault
  }

  /** Records that the agent sent something that is not of its protocol. Only the first name is kept, and none after text. */
  unknown(name: string): void {
    if (!this.hasText) this.firstUnknown ??= cleanName(name)
  }

  /** What the agent sent first that is not of its protocol; undefined if there is nothing, or if the answer has text. */
  get unknownName(): string | undefined {
    return this.hasText ? undefined : this.firstUnknown
  }

  /**
   * Ends the answer. The last events can then be taken, with a `Finish` if the answer succeeded.
   */
  end(): Ending {
    this.flush()
    if (this.hasUsage) this.events.push({ _tag: "Usage", ...this.total() })
    if (this.fault !== undefined) return Result.fail({ _tag: "Fault", fault: this.fault })
    if (this.finishReason === undefined && !this.isDone) {
      const { unknownName } = this
      const fault =
        unknownName === undefined
          ? "the agent's stream ended before its answer did"
          : `the agent's stream ended before its answer did; its first unknown event is ${unknownName}`
      return Result.fail({ _tag: "Fault", fault })
    }
    if (!this.hasText) return Result.fail({ _tag: "Empty" })
    // Tools are on the agent's side, so that a reader need not run them.
    const reason = this.finishReason === undefined || this.finishReason === "tool-calls" ? "stop" : this.finishReason
    for (const source of this.sources?.fallback() ?? []) this.events.push(source)
    this.events.push({ _tag: "Finish", reason })
    return Result.succeed(reason)
  }

  private total(): Tokens {
    return {
      inputTokens: this.earlierTokens.inputTokens + this.tokens.inputTokens,
      outputTokens: this.earlierTokens.outputTokens + this.tokens.outputTokens
    }
  }

  private addText(delta: string): void {
    if (delta === "") return
    if (!this.hasText) this.hasText = delta.trim() !== ""
    this.events.push({ _tag: "Text", delta })
  }

  private flush(): void {
    if (this.opening === undefined) return
    const { reasoning, text } = endThinking(this.opening)
    this.opening = undefined
    if (reasoning !== "") this.reasoning(reasoning)
    this.addText(text)
  }
}

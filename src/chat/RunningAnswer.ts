/**
 * One running answer: which of the agent's events it keeps, and how it ends.
 *
 * @module
 */
import { Cause, Exit, type Fiber } from "effect"
import type { AgentEvent } from "../core/chat/agent/Agent.ts"
import * as AnswerParts from "../core/chat/conversation/AnswerParts.ts"
import * as AnswerPieces from "../core/chat/conversation/AnswerPieces.ts"
import type { AnswerEnding, MessagePart } from "../core/chat/conversation/Conversation.ts"
import type { Scheduled } from "../runtime/DeadlineScheduler.ts"
import type { AgentError } from "../services/chat/AgentStream.ts"
import { AnswerLog } from "./AnswerLog.ts"
import type { EventSink } from "./EventSource.ts"

type Finish = AgentEvent & { readonly _tag: "Finish" }
type Usage = AgentEvent & { readonly _tag: "Usage" }

/** How the agent's events ended. */
export type AgentExit = Exit.Exit<void, AgentError>

/** The maximum number of events of one answer other than its text: sources and tool activity. */
const maxOtherEvents = 2_000

export interface Options {
  /** The maximum length of the text, in bytes of UTF-8. */
  readonly maxBytes: number
  /** Called when the number of readers changes. */
  readonly onReaders: (readers: number) => void
  /** Called with the number of texts that arrived together. */
  readonly onTexts: (count: number) => void
}

export class RunningAnswer implements EventSink, Scheduled {
  due = 0
  heapIndex = -1
  readonly log: AnswerLog
  /** The fiber that reads the agent's events. */
  agentFiber: Fiber.Fiber<void, AgentError> | undefined
  usage: Usage | null = null
  private ending: AnswerEnding | undefined
  /** Why the edge made the answer fail: the reason with which `log` ends. */
  private fault: string | undefined
  private finish: Finish | undefined
  private bytes = 0
  private otherEvents = 0
  private isReasoning = false
  private readonly options: Options

  constructor(options: Options) {
    this.options = options
    this.log = new AnswerLog(options.onReaders)
  }

  /** Whether the answer has ended, or is ending. */
  get isOver(): boolean {
    return this.ending !== undefined
  }

  /** Always true: the agent does not wait for readers, because the log holds all events. */
  readonly isEmpty = true

  whenEmpty(callback: () => void): void {
    callback()
  }

  /** Adds events of the agent. The answer fails once it is longer than `maxBytes`. */
  push(events: Iterable<AgentEvent>): void {
    const kept: Array<AgentEvent> = []
    let texts = 0
    for (const event of events) {
      if (event._tag === "Text") texts++
      if (this.count(event)) kept.push(event)
    }
    if (texts > 0) this.options.onTexts(texts)
    if (kept.length > 0) this.log.push(kept.length === 1 ? kept : AnswerPieces.joinTexts(kept))
    if (this.bytes > this.options.maxBytes) this.fail("the answer is longer than CHAT_MAX_BYTES")
  }

  /** Ends the answer, unless it has ended or is ending already. */
  end(ending: AnswerEnding): void {
    this.ending ??= ending
    this.agentFiber?.interruptUnsafe()
  }

  /** The answer has lasted too long. */
  onDeadline(): undefined {
    this.fail("the answer took longer than CHAT_MAX_DURATION")
  }

  /** What the agent has answered so far. */
  get parts(): ReadonlyArray<MessagePart> {
    return AnswerParts.toWellFormed(AnswerParts.fromEvents(this.log.since(0)))
  }

  /** Decides how the answer ended, unless `end` has decided it. A later `end` does not change it. */
  endingAfter(exit: AgentExit): AnswerEnding {
    this.ending ??= this.naturalEnding(exit)
    return this.ending
  }

  /** Ends the log of an answer that is stored with this ending. */
  endLog(ending: AnswerEnding, exit: AgentExit): void {
    // If the edge ended the answer, the exit is only an interrupt, and `fault` has the reason.
    const isAgentFailure = ending === "failed" && Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
    if (isAgentFailure) this.log.end(exit)
    else {
      if (this.usage !== null) this.log.push([this.usage])
      this.log.endWith(ending, this.fault)
    }
  }

  private fail(fault: string): void {
    if (this.ending === undefined) this.fault = fault
    this.end("failed")
  }

  private naturalEnding(exit: AgentExit): AnswerEnding {
    if (Exit.isSuccess(exit)) return this.finish?.reason ?? "failed"
    return Cause.hasInterruptsOnly(exit.cause) ? "cut" : "failed"
  }

  /**
   * Counts an event, and returns whether the log keeps it. The log keeps only the first of successive reasoning events: readers
   * see that the agent reasons, but not its reasoning.
   */
  private count(event: AgentEvent): boolean {
    const wasReasoning = this.isReasoning
    this.isReasoning = event._tag === "Reasoning"
    switch (event._tag) {
      case "Accepted":
        return true
      case "Text":
      case "Refusal":
        this.bytes += Buffer.byteLength(event.delta)
        return true
      case "Reasoning":
        return !wasReasoning
      case "Usage":
        this.usage = event
        return false
      case "Finish":
        this.finish = event
        return false
      default:
        return ++this.otherEvents <= maxOtherEvents
    }
  }
}

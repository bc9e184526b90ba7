/**
 * One running answer: which of the agent's events it keeps, and how it ends.
 *
 * @module
 */
import { Cause, Exit, type Fiber } from "effect"
import type { AgentEvent } from "../../core/chat/Agent.ts"
import * as AnswerParts from "../../core/chat/AnswerParts.ts"
import type { AnswerEnding, MessagePart } from "../../core/chat/Conversation.ts"
import { AgentBroken, type AgentError } from "../../services/chat/AgentStream.ts"
import { AnswerLog } from "./AnswerLog.ts"

type Finish = AgentEvent & { readonly _tag: "Finish" }
type Usage = AgentEvent & { readonly _tag: "Usage" }

/** How asking the agent ended. */
export type Asked = Exit.Exit<void, AgentError>

/** The most events of one answer other than its text: sources and tool activity. */
const maxOtherEvents = 2_000

export class RunningAnswer {
  readonly log: AnswerLog
  /** Why the edge ends the answer, if it does. */
  ending: AnswerEnding | undefined
  /** The fiber that asks the agent. */
  asking: Fiber.Fiber<void, AgentError> | undefined
  parts: ReadonlyArray<MessagePart> = []
  usage: Usage | null = null
  private finish: Finish | undefined
  private bytes = 0
  private others = 0
  private isReasoning = false

  constructor(onReaders: (readers: number) => void) {
    this.log = new AnswerLog(onReaders)
  }

  /** Takes events of the agent. False once the answer is longer than `maxBytes`. */
  take(events: Iterable<AgentEvent>, maxBytes: number): boolean {
    const kept: Array<AgentEvent> = []
    for (const event of events) if (this.keeps(event)) kept.push(event)
    this.parts = AnswerParts.addAll(this.parts, kept)
    this.log.push(kept)
    return this.bytes <= maxBytes
  }

  endingAfter(asked: Asked): AnswerEnding {
    if (this.ending !== undefined) return this.ending
    if (Exit.isSuccess(asked)) return this.finish?.reason ?? "failed"
    return Cause.hasInterruptsOnly(asked.cause) ? "cut" : "failed"
  }

  /** How the log ends once the answer is stored. Logs the last events. */
  logEnd(asked: Asked): Exit.Exit<void, AgentError> {
    if (this.ending === "cut") return Exit.fail(new AgentBroken({ reason: "the edge ended the answer" }))
    if (this.ending !== undefined) this.log.push([{ _tag: "Finish", reason: "other" }])
    else if (Exit.isFailure(asked)) return asked
    else if (this.finish === undefined) return Exit.fail(new AgentBroken({ reason: "it ended without a finish" }))
    else this.log.push(this.usage === null ? [this.finish] : [this.usage, this.finish])
    return Exit.void
  }

  /** Of a run of reasoning only the first event is kept: readers learn that the agent thinks, not what. */
  private keeps(event: AgentEvent): boolean {
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
        return ++this.others <= maxOtherEvents
    }
  }
}

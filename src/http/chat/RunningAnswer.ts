/**
 * One running answer: which of the agent's events it keeps, and how it ends.
 *
 * @module
 */
import { Cause, Exit, type Fiber } from "effect"
import type { AgentEvent } from "../../core/chat/Agent.ts"
import * as AnswerParts from "../../core/chat/AnswerParts.ts"
import type { AnswerEnding, MessagePart } from "../../core/chat/Conversation.ts"
import type { AgentError } from "../../services/chat/AgentStream.ts"
import { AnswerLog } from "./AnswerLog.ts"

type Finish = AgentEvent & { readonly _tag: "Finish" }
type Usage = AgentEvent & { readonly _tag: "Usage" }

/** How asking the agent ended. */
export type Asked = Exit.Exit<void, AgentError>

/** The most events of one answer other than its text: sources and tool activity. */
const maxOtherEvents = 2_000

export class RunningAnswer {
  readonly log: AnswerLog
  /** The fiber that asks the agent. */
  asking: Fiber.Fiber<void, AgentError> | undefined
  parts: ReadonlyArray<MessagePart> = []
  usage: Usage | null = null
  private ending: AnswerEnding | undefined
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

  /** Ends the answer, unless it has ended or is ending already. */
  end(ending: AnswerEnding): void {
    this.ending ??= ending
    this.asking?.interruptUnsafe()
  }

  /** How the answer ended. From now on `end` changes nothing. */
  endingAfter(asked: Asked): AnswerEnding {
    this.ending ??= this.naturalEnding(asked)
    return this.ending
  }

  /** Ends the log of an answer that is stored with this ending. */
  endLog(ending: AnswerEnding, asked: Asked): void {
    // The agent's own failure says more, unless the edge had ended the answer before.
    const isAgentFailure = ending === "failed" && Exit.isFailure(asked) && !Cause.hasInterruptsOnly(asked.cause)
    if (isAgentFailure) this.log.end(asked)
    else {
      if (this.usage !== null) this.log.push([this.usage])
      this.log.endWith(ending)
    }
  }

  private naturalEnding(asked: Asked): AnswerEnding {
    if (Exit.isSuccess(asked)) return this.finish?.reason ?? "failed"
    return Cause.hasInterruptsOnly(asked.cause) ? "cut" : "failed"
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

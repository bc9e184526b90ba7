/**
 * Tests an instance's agent with a question. The interface only; see `chat/agent/Inspection`.
 *
 * @module
 */
import { Context, type Duration, type Effect } from "effect"
import type { Outcome, Question } from "../../core/chat/agent/AgentCheck.ts"
import type { Instance } from "../../core/chat/Instance.ts"

export class AgentCheck extends Context.Service<
  AgentCheck,
  {
    /** Sends a question and reads the beginning of the answer, for at most `timeout`. Stores neither question nor answer. */
    readonly ask: (instance: Instance, question: Question, timeout: Duration.Input) => Effect.Effect<Outcome>
  }
>()("hydracore/services/AgentCheck") {}

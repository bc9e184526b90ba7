/**
 * Tests an instance's agent with a question. The interface only; see `cli/doctor/AgentInspection`.
 *
 * @module
 */
import { Context, type Duration, type Effect } from "effect"
import type { Instance } from "../Instance.ts"
import type { Outcome, Question } from "./AgentCheck.ts"

export class AgentCheck extends Context.Service<
  AgentCheck,
  {
    /** Sends a question and reads the beginning of the answer, for at most `timeout`. Stores neither question nor answer. */
    readonly ask: (instance: Instance, question: Question, timeout: Duration.Input) => Effect.Effect<Outcome>
  }
>()("hydracore/chat/agent/AgentCheck") {}

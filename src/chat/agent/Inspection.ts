/**
 * Sends an instance's agent one real question: for `doctor`, for `instance create`, and for owners who try an agent.
 *
 * @module
 */
import { Clock, Duration, Effect, Stream } from "effect"
import { type AgentError, AgentStream } from "../AgentStream.ts"
import type { Instance } from "../Instance.ts"
import type { AgentEvent } from "./Agent.ts"
import type { Outcome, Question } from "./AgentCheck.ts"

/** The agent works: it reasoned until it reached its limit of tokens. */
const onlyReasoned: Outcome = { _tag: "Answered", text: "", firstWordMillis: null }

const ofError = (error: AgentError): Outcome => {
  switch (error._tag) {
    case "AgentRefused":
    case "AgentBusy":
      if (error.status !== undefined && (error.status < 200 || error.status > 299)) {
        const code = error.providerCode === undefined ? {} : { code: error.providerCode }
        return { _tag: "Refused", status: error.status, ...code }
      }
      if (error._tag === "AgentBusy" || error.status !== undefined) return { _tag: "Failed", reason: error.reason }
      if (error.isKeyLocked) return { _tag: "LockedKey" }
      return error.missingKey === undefined
        ? { _tag: "Unavailable", reason: error.code ?? error.reason }
        : { _tag: "NoKey", variable: error.missingKey }
    case "AgentBroken":
      return { _tag: "Failed", reason: error.reason }
    case "AgentEmpty":
      if (error.finish === "length") return onlyReasoned
      return {
        _tag: "Failed",
        reason: `its answer is empty${error.unknownEvent === undefined ? "" : `; its first unknown event is ${error.unknownEvent}`}`
      }
    case "DailyTokensUsed":
      return { _tag: "TokensUsed" }
    case "AgentTimeout":
      return { _tag: "Silent", reason: "it did not answer in time" }
  }
}

/** The beginning of an answer, as it arrives. */
class Beginning {
  private text = ""
  private firstWordMillis: number | null = null

  add(event: AgentEvent, millis: number): void {
    if (event._tag !== "Text" && event._tag !== "Refusal") return
    this.text = (this.text + event.delta).trimStart()
    if (this.text !== "") this.firstWordMillis ??= millis
  }

  has(characters: number): boolean {
    return this.text.length >= characters
  }

  /** The outcome with at most this many UTF-16 units of text, without half of a surrogate pair. */
  outcome(characters: number): Outcome {
    const text = this.text.slice(0, characters).replace(/[\ud800-\udbff]$/, "")
    return { _tag: "Answered", text, firstWordMillis: this.firstWordMillis }
  }
}

/** The session of all these questions, in which no visitor chats. */
export const session = "hydracore-check"

/**
 * Sends an agent a question, and reads the beginning of its answer, for at most `timeout`. Stores neither question nor answer.
 */
export const ask = Effect.fnUntraced(function* (
  instance: Instance,
  { characters, maxTokens, text }: Question,
  timeout: Duration.Input
): Effect.fn.Return<Outcome, never, AgentStream> {
  const agent = yield* AgentStream
  const begun = yield* Clock.currentTimeMillis
  const beginning = new Beginning()
  return yield* agent
    .stream({
      instance: { ...instance, max_tokens: Math.min(instance.max_tokens, maxTokens) },
      session,
      messages: [{ role: "user", text }]
    })
    .pipe(
      Stream.mapEffect((event) => Effect.map(Clock.currentTimeMillis, (now) => beginning.add(event, now - begun))),
      Stream.takeUntil(() => beginning.has(characters)),
      Stream.runDrain,
      Effect.map(() => beginning.outcome(characters)),
      Effect.catch((error) => Effect.succeed(ofError(error))),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          Effect.succeed<Outcome>(
            beginning.has(1)
              ? beginning.outcome(characters)
              : { _tag: "Silent", reason: `no answer in ${Duration.format(Duration.fromInputUnsafe(timeout))}` }
          )
      })
    )
})

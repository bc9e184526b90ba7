/**
 * Receives one answer: requests it, or resumes it, and restores a lost connection while the edge keeps the answer.
 *
 * @module
 */
import type { Answer } from "./Answer.ts"
import * as Client from "./Client.ts"
import type { Conversation, Message, Mode } from "./ConversationStore.ts"
import { isLost, type Outcome } from "./Failures.ts"
import type { Listener, Source, Start } from "./Frames.ts"
import * as Limits from "./Limits.ts"
import type { Speech } from "./Speech.ts"
import type { Strings } from "./Strings.ts"
import type { Transcript } from "./Transcript.ts"

/** A question whose answer is being received. */
export interface Run {
  readonly question: string
  mode: Mode
  /** Aborts the current request. */
  stop: AbortController
  /** The answer so far. */
  text: string
  sources: ReadonlyArray<Source>
  /** The id of the answer, once the edge has accepted the question. */
  id: string | undefined
}

/** Makes a run. `partial` is the part of the answer that was received before, by an earlier page or another tab. */
export const makeRun = (question: string, mode: Mode, partial?: Message): Run => ({
  question,
  mode,
  stop: new AbortController(),
  text: partial?.text ?? "",
  sources: partial?.sources ?? [],
  id: partial?.id
})

/** The message of a run's answer. */
export const messageOf = ({ id, sources, text }: Run, ended: Message["ended"]): Message => ({
  role: "agent",
  text,
  ended,
  ...(id && { id }),
  ...(sources.length > 0 && { sources })
})

export interface Context {
  /** Undefined if the element's attributes are invalid. */
  readonly endpoint: Client.Endpoint | undefined
  readonly conversation: () => Pick<Conversation, "id" | "memory">
  readonly transcript: Transcript
  readonly speech: Speech
  readonly strings: Strings
  /** Whether the run was neither replaced nor dropped. */
  readonly isCurrent: () => boolean
  /** The edge has accepted the question. */
  readonly onStart: (start: Start) => void
}

/** Waits `wait` milliseconds, and then until the device is online. Ends early when the signal aborts. */
const untilOnline = (wait: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.onabort = () => resolve()
    setTimeout(() => {
      if (navigator.onLine) resolve()
      else addEventListener("online", () => resolve(), { once: true })
    }, wait)
  })

/** Receives the answer of a run. Returns the answer's view, which the caller ends, and the outcome. Never rejects. */
export const receive = async (
  run: Run,
  context: Context
): Promise<{ readonly answer: Answer; readonly outcome: Outcome }> => {
  const { conversation, endpoint, isCurrent, speech, strings, transcript } = context
  /** The length of the text that was announced. If this text arrives again, it is not announced again. */
  let spoken = run.text.length

  const show = (): Answer => {
    let skipped = spoken
    return transcript.addAnswer(
      (text) => {
        const rest = text.slice(skipped)
        skipped -= text.length - rest.length
        spoken += rest.length
        speech.add(rest)
      },
      () => (conversation().memory ? run.id : undefined)
    )
  }
  let answer = show()
  if (run.text !== "") answer.write(run.text)
  run.sources.forEach(answer.addSource)

  let activity = ""
  const listener: Listener = {
    onStart: (start) => {
      if (!isCurrent()) return
      // The edge sends the answer from its beginning.
      if (run.text !== "" || run.sources.length > 0) {
        transcript.removeAnswer()
        answer = show()
      }
      run.text = ""
      run.sources = []
      run.id = start.messageId || undefined
      context.onStart(start)
    },
    onText: (delta) => {
      if (!isCurrent()) return
      run.text += delta
      answer.write(delta)
    },
    onSource: (source) => {
      if (
        !isCurrent() ||
        run.sources.length >= Limits.maxSources ||
        run.sources.some(({ url }) => url === source.url)
      ) {
        return
      }
      run.sources = [...run.sources, source]
      answer.addSource(source)
    },
    onActivity: (name) => {
      if (!isCurrent() || name === activity) return
      activity = name
      // A later version of the edge may send other activities.
      const sentence = name === "thinking" || name === "searching" ? strings[name] : name && strings.working
      answer.setActivity(sentence)
      if (sentence) speech.say(sentence)
    }
  }

  const attempt = (mode: Mode): Promise<Outcome> => {
    run.stop = new AbortController()
    const { question, stop } = run
    const { id } = conversation()
    if (mode === "wait") {
      return new Promise((resolve) => {
        stop.signal.onabort = () => resolve("stopped")
      })
    }
    if (endpoint === undefined) return Promise.resolve({ kind: "missing" })
    return mode === "resume" && id !== null
      ? Client.resume(endpoint, id, question, listener, stop)
      : Client.send(endpoint, { message: question, conversation_id: id }, listener, stop)
  }

  let outcome = await attempt(run.mode)
  for (let count = 0; count < Limits.maxResumes && isLost(outcome) && isCurrent(); count++) {
    // The edge has not accepted the question, or does not keep its answer.
    if (!conversation().memory || (run.id === undefined && run.mode !== "resume")) break
    run.stop = new AbortController()
    const { signal } = run.stop
    await untilOnline(2 ** count * 500, signal)
    outcome = signal.aborted ? "stopped" : await attempt("resume")
  }
  if (outcome === "unknown" && isCurrent()) {
    run.mode = "send"
    outcome = await attempt("send")
  }
  return { answer, outcome }
}

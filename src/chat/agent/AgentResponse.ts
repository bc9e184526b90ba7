/**
 * An agent's response to one request, as a handler of undici's dispatch. Bytes are parsed in the call that delivers them, and
 * an idle answer holds few objects.
 *
 * @module
 */
import type * as Undici from "@effect/platform-node/Undici"
import type { AgentEvent } from "../../core/chat/agent/Agent.ts"
import * as ProviderError from "../../core/chat/agent/ProviderError.ts"
import * as SystemErrorCode from "../../core/text/SystemErrorCode.ts"
import type { DeadlineScheduler, Scheduled } from "../../runtime/DeadlineScheduler.ts"
import { AgentBroken, type AgentError, AgentTimeout } from "../../services/chat/AgentStream.ts"
import { AnswerReader } from "./AnswerReader.ts"
import { BoundedBody } from "./BoundedBody.ts"
import { EventBuffer, type Producer } from "./EventBuffer.ts"
import type { AgentProtocol } from "./Protocol.ts"
import * as ResponseBounds from "./ResponseBounds.ts"
import * as ResponseHead from "./ResponseHead.ts"

const accepted: AgentEvent = { _tag: "Accepted" }

/** The error with which undici aborts a response. One instance for all responses: creating an error walks the stack. */
const aborted = new Error("The answer is not read any further")

/**
 * `requesting` until the headers; `sniffing` until the first byte of the body tells its kind; `streaming` while events
 * arrive; `whole` while an unstreamed answer is collected; `refused` while the body of a refusal is collected; `finished`
 * from the end of the answer to the end of the response; `closed` when nothing more is read.
 */
type Phase = "requesting" | "sniffing" | "whole" | "refused" | "streaming" | "finished" | "closed"

export interface Options {
  readonly protocol: AgentProtocol
  readonly scheduler: DeadlineScheduler
  /** How long the agent may be silent, in milliseconds. */
  readonly timeout: number
  /**
   * Returns a function that sends another request with the same handler, in place of the one that was refused with this status
   * and body. Undefined if the refusal is final.
   */
  readonly retry: (status: number, body: string) => (() => void) | undefined
}

export class AgentResponse implements Undici.Dispatcher.DispatchHandler, Scheduled, Producer {
  due = 0
  heapIndex = -1
  private readonly buffer = new EventBuffer(this)
  private phase: Phase = "requesting"
  private controller: Undici.Dispatcher.DispatchController | undefined
  private reader: AnswerReader | undefined
  /** Whether the agent sent too fast and is paused until the deadline. */
  private isThrottled = false
  private body: BoundedBody | undefined
  private isResponseOver = false
  private status = 0
  private contentType = ""
  private informationalCount = 0
  /** The number of bytes received after the end of the answer. */
  private lingeringBytes = 0
  /** When the agent's silence began: when it last completed an event, or when the reader began to wait if that was later. */
  private since: number
  /** Undefined once no other request may be sent. */
  private retry: Options["retry"] | undefined
  /** Makes the error of a refusal whose body is being read. */
  private refusalOf: ReturnType<typeof ResponseHead.refusalOf> | undefined
  private readonly protocol: AgentProtocol
  private readonly scheduler: DeadlineScheduler
  private readonly timeout: number

  constructor({ scheduler, protocol, retry, timeout }: Options) {
    this.protocol = protocol
    this.scheduler = scheduler
    this.timeout = timeout
    this.retry = retry
    this.since = scheduler.now()
    scheduler.set(this, this.since + timeout)
  }

  get pull() {
    return this.buffer.pull
  }

  /** Called when the reader has gone. Aborts the response, unless its answer has ended. */
  cancel(): void {
    this.buffer.clear()
    if (this.phase !== "finished" && this.phase !== "closed") this.abandon()
  }

  onWait(): void {
    if (this.phase === "streaming") this.since = this.scheduler.now()
  }

  onTaken(): void {
    if (this.controller?.paused === true) this.resume()
  }

  onDeadline(now: number): number | undefined {
    if (this.phase === "closed") return undefined
    if (this.phase === "finished") {
      this.abandon()
      return undefined
    }
    if (this.isThrottled) {
      this.isThrottled = false
      this.since = now
      this.resume()
      return now + this.silenceTimeout()
    }
    // Silence counts only while the reader waits: otherwise the response may be paused.
    if (this.phase === "streaming" && !this.buffer.hasWaiter) return now + this.silenceTimeout()
    const due = this.since + this.silenceTimeout()
    if (now < due) return due
    if (this.reader?.answer.finishReason !== undefined) this.end()
    else if (this.phase === "refused") this.endRefusal()
    else this.fail(new AgentTimeout())
    return undefined
  }

  onRequestStart(controller: Undici.Dispatcher.DispatchController): void {
    this.controller = controller
    this.isResponseOver = false
    if (this.phase === "closed") controller.abort(aborted)
  }

  onResponseStart(
    controller: Undici.Dispatcher.DispatchController,
    status: number,
    headers: ResponseHead.Headers
  ): void {
    // The raw headers would take a kilobyte for as long as the answer lasts.
    controller.rawHeaders = null
    if (this.phase !== "requesting") return
    if (status < 200) {
      if (++this.informationalCount > ResponseBounds.maxInformational)
        this.refuse("the agent sent too many informational responses")
      return
    }
    this.status = status
    if (status > 299) {
      this.readRefusal(headers)
      return
    }
    // Frees the request, which may hold a long history and is not needed from here on.
    this.retry = undefined
    this.contentType = ResponseHead.contentType(headers)
    const kind = ResponseHead.bodyKind(this.contentType)
    if (kind === "stream") this.accept()
    else if (kind === "sniff") {
      this.phase = "sniffing"
      this.body = new BoundedBody(ResponseBounds.maxWhole)
    } else this.refuseContent("a body")
  }

  onResponseData(controller: Undici.Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.phase === "sniffing") this.sniff(chunk)
    if (this.phase === "streaming") this.read(controller, chunk)
    else if (this.body?.add(chunk) === false) {
      if (this.phase === "refused") this.endRefusal()
      else this.refuse("the agent's answer without a stream is too large")
    } else if (this.phase === "finished") {
      this.lingeringBytes += chunk.length
      if (this.lingeringBytes > ResponseBounds.linger.bytes) this.abandon()
    }
  }

  onResponseEnd(): void {
    this.isResponseOver = true
    if (this.phase === "streaming") this.end()
    else if (this.phase === "whole") this.readWhole()
    else if (this.phase === "refused" && this.endRefusal()) return
    else if (this.phase === "sniffing") this.refuse("the agent answered with an empty body")
    this.settle()
  }

  onResponseError(_: unknown, error: Error): void {
    const code = SystemErrorCode.suffix(error)
    const reason = `the connection to the agent broke${code}`
    if (this.phase === "requesting") this.refuse(`the agent could not be reached${code}`, SystemErrorCode.of(error))
    else if (this.phase === "streaming") this.fail(new AgentBroken({ reason }))
    else if (this.phase === "refused") this.endRefusal()
    else if (this.phase !== "finished" && this.phase !== "closed") this.refuse(reason)
    this.settle()
  }

  private silenceTimeout(): number {
    return this.phase === "refused"
      ? Math.min(ResponseBounds.refusalTimeout, this.timeout)
      : ResponseBounds.silenceTimeout(this.reader?.answer.finishReason, this.timeout)
  }

  private readRefusal(headers: ResponseHead.Headers): void {
    this.refusalOf = ResponseHead.refusalOf(this.status, headers)
    this.phase = "refused"
    this.body = new BoundedBody(ResponseBounds.maxRefusal)
    this.since = this.scheduler.now()
    this.scheduler.set(this, this.since + this.silenceTimeout())
  }

  /** Sends another request if the whole body of the refusal calls for one; otherwise fails. Whether it is sent. */
  private endRefusal(): boolean {
    const { body, isResponseOver, refusalOf, retry, status } = this
    const text = body?.text() ?? ""
    this.body = undefined
    this.retry = undefined
    this.refusalOf = undefined
    const send = isResponseOver ? retry?.(status, text) : undefined
    if (send === undefined) {
      if (refusalOf !== undefined) this.fail(refusalOf(ProviderError.ofBody(text)))
      return false
    }
    this.phase = "requesting"
    this.status = 0
    this.since = this.scheduler.now()
    this.informationalCount = 0
    // Later, because the caller is undici's parser.
    queueMicrotask(() => {
      if (this.phase === "requesting") send()
    })
    return true
  }

  private accept(): void {
    this.phase = "streaming"
    this.body = undefined
    this.buffer.push([accepted])
    this.reader = new AnswerReader(this.protocol, this.contentType)
  }

  /** Refuses a body that is not an event stream. */
  private refuseContent(what: string): void {
    this.refuse(
      `the agent answered with ${what} ${ResponseHead.describeType(this.contentType)}, not with an event stream`
    )
  }

  private sniff(chunk: Buffer): void {
    const kind = ResponseHead.sniff(chunk)
    if (kind === "stream") this.accept()
    else if (kind === "json") this.phase = "whole"
    else if (kind === "page") this.refuseContent("a page")
  }

  private read(controller: Undici.Dispatcher.DispatchController, chunk: Buffer): void {
    const { reader } = this
    if (reader === undefined) return
    const now = this.scheduler.now()
    const { events, hasFrames, wait } = reader.read(chunk, now)
    if (hasFrames) this.since = now
    if (events.length > 0) this.buffer.push(events)
    if (reader.isOver) {
      this.end()
      return
    }
    if (wait > 0) {
      this.isThrottled = true
      this.scheduler.set(this, now + wait)
    } else if (reader.answer.finishReason !== undefined) this.scheduler.set(this, now + this.silenceTimeout())
    if (wait > 0 || this.buffer.isFull) controller.pause()
  }

  /** Resumes the response in a microtask, because the caller may be undici's parser, or a deadline. */
  private resume(): void {
    queueMicrotask(() => {
      if (!this.isThrottled && !this.buffer.isFull) this.controller?.resume()
    })
  }

  private readWhole(): void {
    const reader = new AnswerReader(this.protocol, this.contentType)
    const text = this.body?.text() ?? ""
    if (reader.readWhole(text)) {
      this.accept()
      this.reader = reader
      this.end()
    } else {
      const name = ProviderError.ofBody(text) ?? AnswerReader.kindOf(text)
      this.refuse(`the agent answered with JSON that is not an answer of its protocol (${name})`)
    }
  }

  /**
   * Ends the answer. If the protocol ended it, the response is read for a while longer: the connection of a response that
   * ends by itself can be reused.
   */
  private end(): void {
    const { reader } = this
    if (reader === undefined) return
    const { events, failure } = reader.end()
    this.buffer.push(events)
    this.buffer.close(failure)
    this.reader = undefined
    if (reader.answer.isDone) {
      this.phase = "finished"
      this.scheduler.set(this, this.scheduler.now() + ResponseBounds.linger.millis)
    } else this.abandon()
  }

  private refuse(reason: string, code?: string): void {
    this.fail(ResponseHead.refused(reason, this.status, code))
  }

  private fail(error: AgentError): void {
    this.buffer.close(error)
    this.abandon()
  }

  /** Stops reading, and closes the connection unless the response has ended. */
  private abandon(): void {
    this.settle()
    if (!this.isResponseOver) this.controller?.abort(aborted)
  }

  private settle(): void {
    this.phase = "closed"
    this.body = undefined
    this.reader = undefined
    this.retry = undefined
    this.scheduler.cancel(this)
  }
}

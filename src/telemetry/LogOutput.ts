/**
 * Standard error as the log uses it: a reader that is slow, or has stopped, holds up nothing and fills no memory.
 *
 * A pipe that is full blocks whoever writes to it, the whole process, unless it was opened not to. Node opens it so, but that
 * belongs to the pipe and not to the process: each child that is started with our standard error (the bundler of the
 * scripts, a worker) takes it back for all. So a pipe is opened once more, for the log alone. A socket, such as the system's
 * journal, cannot be opened again: it is told before each line.
 *
 * @module
 */
import { constants, fstatSync, openSync } from "node:fs"
import { Socket } from "node:net"
import type { Writable } from "node:stream"
import { isatty } from "node:tty"
import { Effect, Predicate } from "effect"

/** How much of the log waits for its reader at most, in bytes; the line that passes it is the last. */
const maxWaiting = 1024 * 1024

/** How long the end of the process waits for a reader that is behind, in milliseconds. */
const patience = 1_000

/** A pipe of our own to where standard error goes; nothing where it is no pipe, or may not be opened. */
const ownPipe = (): Writable | undefined => {
  try {
    if (!fstatSync(2).isFIFO()) return undefined
    const fd = openSync("/dev/fd/2", constants.O_WRONLY | constants.O_NONBLOCK)
    return new Socket({ fd, readable: false, writable: true }).unref()
  } catch {
    return undefined
  }
}

export interface LogOutput {
  /** Writes a line, or counts it as lost where too much waits already. Never waits, never fails. */
  readonly write: (line: string) => void
  /** Waits until nothing waits, for a second at most. */
  readonly flush: Effect.Effect<void>
}

/** The output over a stream. `lost` makes the line that stands where so many were lost. */
export const make = (output: Writable, lost: (lines: number) => string): LogOutput => {
  let missing = 0
  /** How many lines wait. */
  let waiting = 0
  const idle = new Set<() => void>()
  const put = (line: string) => {
    waiting += 1
    output.write(`${line}\n`, () => {
      waiting -= 1
      tell()
      if (waiting === 0) for (const resume of idle) resume()
    })
  }
  const tell = () => {
    if (missing === 0 || output.writableLength > maxWaiting) return
    const line = lost(missing)
    missing = 0
    put(line)
  }
  // Whoever read it has gone: there is nobody left to tell.
  output.on("error", () => {})
  return {
    write: (line) => {
      tell()
      if (output.writableLength > maxWaiting) missing += 1
      else put(line)
    },
    flush: Effect.callback<void>((resume) => {
      const done = () => resume(Effect.void)
      if (waiting === 0 || output.destroyed) return done()
      idle.add(done)
      output.once("close", done)
      return Effect.sync(() => {
        idle.delete(done)
        output.off("close", done)
      })
    }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.void }))
  }
}

/** The same, where the stream is shared with children of ours, and may have been made to block by the last of them. */
const unblocking = (output: LogOutput, stream: object): LogOutput => {
  const handle: unknown = Reflect.get(stream, "_handle")
  if (!Predicate.hasProperty(handle, "setBlocking") || !Predicate.isFunction(handle.setBlocking)) return output
  const setBlocking = handle.setBlocking.bind(handle)
  return {
    ...output,
    write: (line) => {
      setBlocking(false)
      output.write(line)
    }
  }
}

/**
 * Has a stream hand over what waits line by line. A pipe takes a line whole or not at all, up to 4,096 bytes; of several at once
 * it takes what there is room for, and the next line of another worker's would stand in the midst of one.
 */
const lineByLine = (stream: object): void => {
  Reflect.set(stream, "_writev", null)
}

/** The process's standard error. A terminal, and a file, take each line at once. */
export const standardError = (lost: (lines: number) => string): LogOutput => {
  const stream = ownPipe() ?? process.stderr
  lineByLine(stream)
  const output = make(stream, lost)
  return isatty(2) ? output : unblocking(output, stream)
}

/**
 * Non-blocking log output to standard error: a slow or stopped reader neither blocks the process nor fills its memory.
 *
 * A write to a full pipe blocks the whole process unless the pipe is non-blocking. Node sets O_NONBLOCK, but the flag
 * belongs to the open file description, which all processes share: each child that inherits standard error (esbuild, a
 * worker) resets it for all. So a pipe is opened again for the log alone. A socket, such as the systemd journal's, cannot
 * be opened again; it is set to non-blocking before each line.
 *
 * @module
 */
import { constants, fstatSync, openSync } from "node:fs"
import { Socket } from "node:net"
import type { Writable } from "node:stream"
import { isatty } from "node:tty"
import { Effect } from "effect"
import * as NodeInternals from "../runtime/NodeInternals.ts"

/** The buffer limit in bytes. Lines are dropped once the buffer exceeds it. */
const maxBuffered = 1024 * 1024

/** The time limit of a flush, in milliseconds. */
const flushTimeout = 1_000

/** A new, non-blocking description of the pipe behind standard error; undefined if it is not a pipe or cannot be opened. */
const reopenPipe = (): Writable | undefined => {
  try {
    if (!fstatSync(2).isFIFO()) return undefined
    const fd = openSync("/dev/fd/2", constants.O_WRONLY | constants.O_NONBLOCK)
    return new Socket({ fd, readable: false, writable: true }).unref()
  } catch {
    return undefined
  }
}

export interface LogOutput {
  /** Buffers a line, or counts it as dropped if the buffer is full. Never blocks, never fails. */
  readonly write: (line: string) => void
  /** Waits until the buffer is empty, for a second at most. */
  readonly flush: Effect.Effect<void>
}

/** Output to a stream. `lost` formats the line that replaces a number of dropped lines. */
export const make = (output: Writable, lost: (lines: number) => string): LogOutput => {
  let dropped = 0
  /** The number of lines in the buffer. */
  let pending = 0
  const idle = new Set<() => void>()
  const put = (line: string) => {
    pending += 1
    output.write(`${line}\n`, () => {
      pending -= 1
      reportDropped()
      if (pending === 0) for (const resume of idle) resume()
    })
  }
  const reportDropped = () => {
    if (dropped === 0 || output.writableLength > maxBuffered) return
    const line = lost(dropped)
    dropped = 0
    put(line)
  }
  // The reader has closed the pipe; there is nowhere to report that.
  output.on("error", () => {})
  return {
    write: (line) => {
      reportDropped()
      if (output.writableLength > maxBuffered) dropped += 1
      else put(line)
    },
    flush: Effect.callback<void>((resume) => {
      const done = () => resume(Effect.void)
      if (pending === 0 || output.destroyed) return done()
      idle.add(done)
      output.once("close", done)
      return Effect.sync(() => {
        idle.delete(done)
        output.off("close", done)
      })
    }).pipe(Effect.timeoutOrElse({ duration: flushTimeout, orElse: () => Effect.void }))
  }
}

/** Sets the stream to non-blocking before each line, since a child process that shares the stream may have reset the flag. */
const nonBlocking = (output: LogOutput, stream: object): LogOutput => {
  const setBlocking = NodeInternals.setBlockingOf(stream)
  if (setBlocking === undefined) return output
  return {
    ...output,
    write: (line) => {
      setBlocking(false)
      output.write(line)
    }
  }
}

/** Output to the process's standard error. Terminals and files accept every line at once. */
export const standardError = (lost: (lines: number) => string): LogOutput => {
  const stream = reopenPipe() ?? process.stderr
  NodeInternals.writeEachChunk(stream)
  const output = make(stream, lost)
  return isatty(2) ? output : nonBlocking(output, stream)
}

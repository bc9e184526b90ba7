/**
 * The body of a response that is not streamed, as far as it came.
 *
 * @module
 */
import { ByteCollector } from "../core/data/ByteCollector.ts"

/** What a piece counts for at least, in bytes: many small ones cost processor time. */
const pieceCost = 64

export class BoundedBody {
  private readonly bytes = new ByteCollector(Number.POSITIVE_INFINITY)
  private readonly bound: number
  private size = 0

  /** @param bound how many bytes it may have */
  constructor(bound: number) {
    this.bound = bound
  }

  /** Adds a piece. False if the body is then over its bound, and is not to be read on. */
  add(chunk: Buffer): boolean {
    this.size += Math.max(chunk.length, pieceCost)
    if (this.size <= this.bound) this.bytes.add(chunk)
    return this.size <= this.bound
  }

  /** The whole body as text. It is not held any longer. */
  text(): string {
    return Buffer.from(this.bytes.take()).toString("utf8")
  }
}

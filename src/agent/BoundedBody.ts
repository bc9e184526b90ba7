/**
 * Collects the body of a response that is not streamed, up to a bound.
 *
 * @module
 */
import { ByteCollector } from "../core/data/ByteCollector.ts"

/** The least size that a piece counts as, in bytes: many small pieces cost processor time. */
const pieceCost = 64

export class BoundedBody {
  private readonly bytes = new ByteCollector(Number.POSITIVE_INFINITY)
  private readonly bound: number
  private size = 0

  /** @param bound the maximum number of bytes of the body */
  constructor(bound: number) {
    this.bound = bound
  }

  /** Adds a piece. False if the body exceeds its bound: stop reading then. */
  add(chunk: Buffer): boolean {
    this.size += Math.max(chunk.length, pieceCost)
    if (this.size <= this.bound) this.bytes.add(chunk)
    return this.size <= this.bound
  }

  /** Takes the whole body as text. */
  text(): string {
    return Buffer.from(this.bytes.take()).toString("utf8")
  }
}

/**
 * Collects the body of a response that is not streamed, up to a bound.
 *
 * @module
 */
import { ByteCollector } from "../../core/data/ByteCollector.ts"

/** The least size that a chunk counts as, in bytes: many small chunks cost processor time. */
const chunkCost = 64

export class BoundedBody {
  private readonly bytes = new ByteCollector(Number.POSITIVE_INFINITY)
  private readonly bound: number
  private size = 0

  /** @param bound the maximum size of the body in bytes, where each chunk counts as at least `chunkCost` */
  constructor(bound: number) {
    this.bound = bound
  }

  /** Adds a chunk. False if the body exceeds its bound: stop reading then. */
  add(chunk: Buffer): boolean {
    this.size += Math.max(chunk.length, chunkCost)
    if (this.size <= this.bound) this.bytes.add(chunk)
    return this.size <= this.bound
  }

  /** Takes the whole body as text. */
  text(): string {
    return Buffer.from(this.bytes.take()).toString("utf8")
  }
}

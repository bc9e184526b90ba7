/**
 * Collects the chunks of a body in one buffer that grows by doubling. An array of many small chunks would take up to a
 * hundred times their bytes.
 *
 * @module
 */

const empty = new Uint8Array()

const minCapacity = 4_096

export class ByteCollector {
  private readonly expectedLength: number
  private buffer: Uint8Array = empty
  private filled = 0

  /**
   * @param expectedLength how many bytes are expected at most; may be infinite. The buffer grows beyond it only if more bytes are
   * added.
   */
  constructor(expectedLength: number) {
    this.expectedLength = expectedLength
  }

  /** The number of bytes that were added. */
  get length(): number {
    return this.filled
  }

  /** The size of the buffer in bytes: at most twice `length`, or `minCapacity` if that is more. */
  get capacity(): number {
    return this.buffer.length
  }

  /** Adds a chunk. The first chunk is not copied, so it must not change afterwards. */
  add(chunk: Uint8Array): void {
    const length = this.filled + chunk.length
    if (this.filled === 0) {
      this.buffer = chunk
    } else {
      if (length > this.buffer.length) {
        const grown = new Uint8Array(Math.max(length, Math.min(this.expectedLength, Math.max(minCapacity, 2 * length))))
        grown.set(this.buffer.subarray(0, this.filled))
        this.buffer = grown
      }
      this.buffer.set(chunk, this.filled)
    }
    this.filled = length
  }

  /** Returns the bytes that were added, and releases the buffer. */
  take(): Uint8Array {
    const { buffer, filled } = this
    this.buffer = empty
    this.filled = 0
    return filled === buffer.length ? buffer : buffer.slice(0, filled)
  }
}

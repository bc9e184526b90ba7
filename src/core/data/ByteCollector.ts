/**
 * Puts a body together as its pieces come, in one stretch of memory that grows by doubling: many small pieces, kept one
 * by one, would hold a hundred times their bytes.
 *
 * @module
 */

const none = new Uint8Array()

/** Not worth less. */
const least = 4_096

export class ByteCollector {
  private readonly expected: number
  private memory: Uint8Array = none
  private filled = 0

  /** @param expected how many bytes there will be, at most; may be infinite. */
  constructor(expected: number) {
    this.expected = expected
  }

  /** How many bytes have come. */
  get length(): number {
    return this.filled
  }

  /** How many bytes it holds, which is up to twice what has come. */
  get capacity(): number {
    return this.memory.length
  }

  /** Adds a piece, and may keep it as it is: it must not change afterwards. */
  add(piece: Uint8Array): void {
    const length = this.filled + piece.length
    if (this.filled === 0) {
      this.memory = piece
    } else {
      if (length > this.memory.length) {
        const grown = new Uint8Array(Math.max(length, Math.min(this.expected, Math.max(least, 2 * length))))
        grown.set(this.memory.subarray(0, this.filled))
        this.memory = grown
      }
      this.memory.set(piece, this.filled)
    }
    this.filled = length
  }

  /** All that has come, which it then holds no longer. */
  take(): Uint8Array {
    const { filled, memory } = this
    this.memory = none
    this.filled = 0
    return filled === memory.length ? memory : memory.slice(0, filled)
  }
}

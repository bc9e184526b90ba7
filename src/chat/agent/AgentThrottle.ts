/**
 * Limits how fast an agent's answer is read, and how much it may send besides its text. Pure.
 *
 * Reading an answer costs processor time that all instances share, with or without text: a reasoning model sends thousands of
 * frames before its first word. So every frame has a cost. An answer that arrives too fast is paused, and one that sends too
 * much besides its text is ended.
 *
 * The limits fit ordinary agents. A token arrives in a frame of 200 to 300 bytes, 500 if its reasoning is sent twice. `burst`
 * is the first 8,000 tokens at any speed; `rate` is a thousand tokens a second after that, which few models reach, and
 * costs about a hundredth of a core. `maxOverhead` is 130,000 to 250,000 tokens of reasoning, more than any model may produce,
 * and ends a flood after four minutes.
 *
 * @module
 */

/** The minimum cost of a frame, in bytes: a small frame takes as long to read as the frame of a token. */
export const frameCost = 256

/** The cost that may arrive at any speed, in bytes. */
export const burst = 2 * 1024 * 1024

/** The cost that may arrive after the burst, in bytes a second. */
export const rate = 256 * 1024

/**
 * The minimum pause, in milliseconds. When reading resumes, the HTTP client reads up to 64 KiB more and copies its whole
 * buffer: pausing after every few small chunks would cost more than reading them.
 */
export const pause = 2_000

/** The maximum cost of an answer besides its text, in bytes. */
export const maxOverhead = 64 * 1024 * 1024

/** The cost that each UTF-16 unit of text offsets, in bytes: enough for a frame whose text is a single unit. */
const textCredit = 512

/** The counts of one answer. Begin with `initial`. */
export interface State {
  /** The cost that is above `rate`, in bytes, at the time `at`. */
  readonly level: number
  /** In milliseconds of the caller's clock. */
  readonly at: number
  /** The cost that text does not offset, in bytes; negative while text could offset more. */
  readonly overhead: number
}

export const initial: State = { level: 0, at: 0, overhead: 0 }

/** One chunk: its bytes, the frames that ended in it, and their text in UTF-16 units. */
export interface Chunk {
  readonly bytes: number
  readonly frames: number
  readonly units: number
}

/** Counts a chunk that arrived at `now`. A chunk costs at least one frame. */
export const take = (state: State, now: number, { bytes, frames, units }: Chunk): State => {
  const cost = Math.max(bytes, frameCost, frameCost * frames)
  const left = state.level - (Math.max(0, now - state.at) * rate) / 1000
  return { level: Math.max(0, left) + cost, at: now, overhead: state.overhead + cost - textCredit * units }
}

/** The pause before the next read, in milliseconds from `at`; zero for none. */
export const wait = ({ level }: State): number => (level > burst ? Math.max(pause, ((level - burst) * 1000) / rate) : 0)

/** Whether the answer sent too much besides its text, and must be ended. */
export const isExceeded = ({ overhead }: State): boolean => overhead > maxOverhead

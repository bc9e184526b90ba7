/**
 * Bounds how fast an agent's answer is read, and how much it may send besides its text. Pure.
 *
 * Reading an answer costs processor time that all instances share, whether or not it carries text: a reasoning model
 * rightly sends thousands of frames before its first word. Therefore the cost of reading is counted, for every frame. An
 * answer that arrives too fast is paused, and one that sends too much besides its text is ended.
 *
 * The numbers fit ordinary agents. A token arrives in a frame of 200 to 300 bytes, 500 if its reasoning is sent twice. `burst`
 * is the first 8,000 tokens at any speed; `rate` is a thousand tokens a second after that, which few models reach, and
 * costs about a hundredth of a core. `silence` is 130,000 to 250,000 tokens of reasoning, more than any model may produce,
 * and ends a flood after four minutes.
 *
 * @module
 */

/** The least cost of a frame, in bytes: a small frame takes as long to read as that of a token. */
export const frameCost = 256

/** The least cost of a line, in bytes: empty lines and comments are parsed too. */
export const lineCost = 32

/** The cost that may arrive at once, in bytes. */
export const burst = 2 * 1024 * 1024

/** The cost that may arrive after the burst, in bytes a second. */
export const rate = 256 * 1024

/**
 * The shortest pause, in milliseconds. When reading resumes, the HTTP client reads up to 64 KiB more and copies everything
 * that it holds: pausing after every few small pieces would cost more than reading them.
 */
export const pause = 2_000

/** The cost that an answer may have besides its text, in bytes. */
export const silence = 64 * 1024 * 1024

/** The cost that each UTF-16 unit of text pays for, in bytes: a frame of its own. */
const textWorth = 512

/** The counts of one answer. Begin with `initial`. */
export interface State {
  /** The cost that is above `rate`, in bytes, at the time `at`. */
  readonly level: number
  /** In milliseconds of the caller's clock. */
  readonly at: number
  /** The cost besides text, in bytes; negative while the text pays for more. */
  readonly silent: number
}

export const initial: State = { level: 0, at: 0, silent: 0 }

/** One piece: its bytes, the frames and lines that ended in it, and their text in UTF-16 units. */
export interface Piece {
  readonly bytes: number
  readonly frames: number
  readonly lines: number
  readonly units: number
}

/** Counts a piece that arrived at `now`. A piece costs at least one frame. */
export const take = (state: State, now: number, { bytes, frames, lines, units }: Piece): State => {
  const cost = Math.max(bytes, frameCost, frameCost * frames, lineCost * lines)
  const left = state.level - (Math.max(0, now - state.at) * rate) / 1000
  return { level: Math.max(0, left) + cost, at: now, silent: state.silent + cost - textWorth * units }
}

/** The pause before the next read, in milliseconds from `at`; zero for none. */
export const wait = ({ level }: State): number => (level > burst ? Math.max(pause, ((level - burst) * 1000) / rate) : 0)

/** Whether the answer sent too much besides its text, and is to be ended. */
export const isOver = ({ silent }: State): boolean => silent > silence

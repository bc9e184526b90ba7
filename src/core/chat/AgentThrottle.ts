/**
 * How much an agent's answer may bring in: in a time, and in all without saying anything. Pure.
 *
 * An agent runs on somebody else's machine, and reading it costs the processor that all instances share, whether or not
 * it says anything: a reasoning model rightly sends thousands of frames before its first word. So what is counted is what
 * reading it costs, be it text or not. An answer that comes too fast is not read for a while, and one that has sent too
 * much besides its text is not read on.
 *
 * The numbers are for honest agents. A token comes in a frame of 200 to 300 bytes, 500 where its thought is sent twice.
 * `burst` is the first 8,000 tokens as fast as they come, `rate` a thousand a second after it, which few models reach;
 * one at this rate takes some hundredth of a core. `silence` is 130,000 to 250,000 tokens of thought, more than any
 * model is allowed, and ends a flood after four minutes.
 *
 * @module
 */

/** What one frame counts for at least, in bytes: small ones cost as much to read as those of a token. */
export const frameCost = 256

/** What one line counts for at least, in bytes: empty ones and comments are read line by line too. */
export const lineCost = 32

/** How much may come at once, in bytes. */
export const burst = 2 * 1024 * 1024

/** How much may come from then on, in bytes a second. */
export const rate = 256 * 1024

/**
 * The shortest time that an answer is not read, in milliseconds. Each time that reading goes on, the HTTP client takes up
 * to 64 KiB more into memory and copies all that it holds: stopping after every few small pieces would cost more than
 * reading them.
 */
export const pause = 2_000

/** How much an answer may bring in besides its text, in bytes. */
export const silence = 64 * 1024 * 1024

/** How much may come with each UTF-16 unit of text that does not count as silence, in bytes: its frame, if it has one alone. */
const textWorth = 512

/** What came of an answer so far. Begin with `initial`. */
export interface State {
  /** What came and has not been worked off at `rate`, in bytes, at the time `at`. */
  readonly level: number
  /** In milliseconds of the caller's clock. */
  readonly at: number
  /** What came besides text, in bytes; below zero while the text was worth more. */
  readonly silent: number
}

export const initial: State = { level: 0, at: 0, silent: 0 }

/** A piece as it was read: its bytes, how many frames and lines ended in it, and how many UTF-16 units of text they said. */
export interface Piece {
  readonly bytes: number
  readonly frames: number
  readonly lines: number
  readonly units: number
}

/** Counts a piece that came at the time `now`. A piece costs a frame, even where none ends in it. */
export const take = (state: State, now: number, { bytes, frames, lines, units }: Piece): State => {
  const cost = Math.max(bytes, frameCost, frameCost * frames, lineCost * lines)
  const left = state.level - (Math.max(0, now - state.at) * rate) / 1000
  return { level: Math.max(0, left) + cost, at: now, silent: state.silent + cost - textWorth * units }
}

/** How long the answer is not to be read from `at` on, in milliseconds; zero if it may be read at once. */
export const wait = ({ level }: State): number => (level > burst ? Math.max(pause, ((level - burst) * 1000) / rate) : 0)

/** Whether so much came besides its text that it is not to be read on. */
export const isOver = ({ silent }: State): boolean => silent > silence

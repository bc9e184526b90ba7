/**
 * The cost of compiling a regular expression, estimated from its text: a compiler expands repetitions, so that a short text can
 * take seconds. Pure; takes time linear in the text.
 *
 * @module
 */

/** The parts of a regular expression in RE2's syntax. A text that RE2 refuses is split somehow. */
const token =
  /\\Q(?<quoted>.*?)(?:\\E|$)|(?<atom>\\[pP](?:\{[^}]*\}|.)|\\x\{[^}]*\}|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]?)|(?<flags>\(\?[A-Za-z-]*\))|(?<open>\((?:\?(?:P?<[^>]*>|[A-Za-z-]*:))?)|(?<close>\))|(?<or>\|)|\{(?<least>\d+)(?<most>,\d*)?\}\??|(?<quantifier>[*+?]\??)|./gsu

/** An open group while its text is read. */
interface Group {
  readonly isCapturing: boolean
  /** The instructions of the alternatives before the current one. */
  alternatives: number
  /** Whether one of them is a single character. A compiler turns all of these into one set of characters. */
  hasCharacter: boolean
  /** The current alternative: its instructions except those of the last part, the last part's, and the number of its parts. */
  sequence: number
  last: number
  parts: number
}

const open = (isCapturing: boolean): Group => ({
  isCapturing,
  alternatives: 0,
  hasCharacter: false,
  sequence: 0,
  last: 0,
  parts: 0
})

const add = (group: Group, size: number): void => {
  group.sequence += group.last
  group.last = size
  group.parts++
}

const endAlternative = (group: Group): void => {
  const isCharacter = group.parts === 1 && group.last === 1
  if (!isCharacter || !group.hasCharacter) {
    group.alternatives += Math.max(1, group.sequence + group.last) + (group.alternatives === 0 ? 0 : 1)
  }
  group.hasCharacter ||= isCharacter
  group.sequence = group.last = group.parts = 0
}

const sizeOf = (group: Group): number => {
  endAlternative(group)
  return group.alternatives + (group.isCapturing ? 2 : 0)
}

/**
 * About how many instructions a compiled pattern has, after its repetitions are expanded. The compiled pattern may have fewer,
 * because a compiler shares the common beginnings of alternatives.
 */
export const expandedSize = (pattern: string): number => {
  const groups = [open(false)]
  for (const { groups: found = {} } of pattern.matchAll(token)) {
    const group = groups.at(-1) ?? open(false)
    if (found["flags"] !== undefined) continue
    if (found["open"] !== undefined) groups.push(open(!found["open"].endsWith(":")))
    else if (found["close"] !== undefined) {
      // A closing bracket without an opening one is invalid.
      if (groups.length > 1) add(groups.at(-2) ?? group, sizeOf(groups.pop() ?? group))
    } else if (found["or"] !== undefined) endAlternative(group)
    else if (found["quantifier"] !== undefined) group.last++
    else if (found["least"] !== undefined) {
      const least = Number(found["least"])
      const most = Math.max(least, Number(found["most"]?.slice(1) ?? 0))
      group.last = Math.max(1, group.last * Math.max(1, most) + (most - least))
    } else add(group, found["quoted"]?.length ?? 1)
  }
  while (groups.length > 1) add(groups.at(-2) ?? open(false), sizeOf(groups.pop() ?? open(false)))
  return groups.reduce((size, group) => size + sizeOf(group), 0)
}

/** How many sets of characters the pattern names by a Unicode property, such as `\p{L}`. Each has hundreds of ranges. */
export const unicodeSets = (pattern: string): number => [...pattern.matchAll(/\\p/gi)].length

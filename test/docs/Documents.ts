/**
 * The README and the guides, and the fenced blocks in them.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { guides } from "../../src/pages/Docs.ts"

export const root = path.resolve(import.meta.dirname, "../..")

/** Paths from the root. */
export const files: ReadonlyArray<string> = ["README.md", ...guides.map((name) => `src/docs/${name}.md`)]

export const textOf = (file: string): string => readFileSync(path.join(root, file), "utf8")

export interface Block {
  readonly file: string
  /** Of the opening fence, from 1. */
  readonly line: number
  /** The first word after the fence. */
  readonly language: string
  /** The words after the language. */
  readonly mark: string
  readonly text: string
}

/** The fenced blocks of a file, in order. */
export const blocksOf = (file: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  let open: { readonly info: string; readonly line: number; readonly lines: Array<string> } | undefined
  for (const [index, line] of textOf(file).split("\n").entries()) {
    if (!line.startsWith("```")) open?.lines.push(line)
    else if (open === undefined) open = { info: line.slice(3).trim(), line: index + 1, lines: [] }
    else {
      const [language = "", ...mark] = open.info.split(" ")
      blocks.push({ file, line: open.line, language, mark: mark.join(" "), text: open.lines.join("\n") })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${file}:${open.line}: the block is not closed`)
  return blocks
}

export const blocks: ReadonlyArray<Block> = files.flatMap(blocksOf)

/** The only block of a language in a file. */
export const onlyBlock = (file: string, language: string): string => {
  const [block, ...more] = blocksOf(file).filter((candidate) => candidate.language === language)
  if (block === undefined || more.length > 0) throw new Error(`${file} must have exactly one block of ${language}`)
  return block.text
}

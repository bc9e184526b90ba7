/**
 * Bundles what the service's own pages load besides the console (`src/pages/web`): a style sheet, a script, the search and what
 * it reads, the font, and pictures of the console.
 *
 * @module
 */
import path from "node:path"
import * as Built from "../../src/pages/Built.ts"
import type { Files } from "../../src/pages/Page.ts"
import { assets, type Bundle, font, fontExtension, root } from "./Bundle.ts"
import type { Section } from "./GuideReader.ts"

/** The files by their names, and the paths of those that pages name. */
export const make = async (
  bundle: Bundle,
  sections: ReadonlyArray<Section>,
  pictures: ReadonlyArray<readonly [name: string, bytes: Uint8Array]>
): Promise<{ readonly files: ReadonlyMap<string, Uint8Array>; readonly paths: Files }> => {
  const { outputFiles } = await bundle({
    entryPoints: ["pages.ts", "pages.css", "reference.css"].map((name) => path.join(root, "src/pages/web", name)),
    splitting: true,
    format: "esm",
    target: ["es2023", "chrome123", "firefox128", "safari17.5"],
    minify: true,
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]"
  })
  const files = new Map(outputFiles.map((file) => [path.basename(file.path), file.contents]))
  const index = Buffer.from(JSON.stringify(sections))
  const indexName = `search-${Built.hashOf(index)}.json`
  const pathOf = (pattern: RegExp): string => {
    const name = [...files.keys()].find((name) => pattern.test(name))
    if (name === undefined) throw new Error(`The pages have no file ${pattern}.`)
    return assets + name
  }
  for (const [name, bytes] of pictures) files.set(name.replace(".", `-${Built.hashOf(bytes)}.`), bytes)
  files.set(indexName, index).set(font.name, font.bytes).set(fontExtension.name, fontExtension.bytes)
  return {
    files,
    paths: {
      style: pathOf(/^pages-.*\.css$/),
      referenceStyle: pathOf(/^reference-.*\.css$/),
      script: pathOf(/^pages-.*\.js$/),
      font: font.url,
      picture: pathOf(/^console-\w{8}\.webp$/),
      darkPicture: pathOf(/^console-dark-/),
      index: assets + indexName
    }
  }
}

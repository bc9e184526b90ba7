/**
 * Makes the files that the service only serves: what websites load, the console, the demo's pages and the guides. A clone has
 * them in `built`, and `scripts/build.ts` copies them into the archive. `built.mjs` runs this script if a source has changed.
 *
 * @module
 */
import { statSync } from "node:fs"
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import path from "node:path"
import * as esbuild from "esbuild"
import * as Built from "../../src/pages/Built.ts"
import * as Design from "../../src/platform/design/Design.ts"
import { folder, sourcesFile, stateOf } from "../built.mjs"
import { type Bundle, common, design, font, fontExtension, fontPreload, root, sourceOf } from "./Bundle.ts"
import * as Console from "./Console.ts"
import * as GuideReader from "./GuideReader.ts"
import * as Pages from "./Pages.ts"
import * as Scripts from "./Scripts.ts"

/** Brotli's best quality: the files are small. */
const quality = 11

const demoPages = "src/demo/pages"

/** The files in a folder and in its folders, relative to it. */
const filesIn = async (folder: string): Promise<ReadonlyArray<string>> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
    .sort()

/** Replaces a whole file at once: a service may be reading it. */
const write = async (file: string, content: Uint8Array): Promise<void> => {
  const draft = `${file}.${process.pid}`
  await writeFile(draft, content)
  await rename(draft, file)
}

/** Writes a file in each coding, unless it is there: compressing takes most of the time. */
const writeCompressed = async (file: string, content: Uint8Array): Promise<void> => {
  const written = await readFile(file).catch(() => undefined)
  if (written?.equals(content)) return
  const { bytes } = await Built.compress(content, quality)
  for (const coding of ["br", "gzip", "identity"] as const) await write(file + Built.extensions[coding], bytes[coding])
}

const json = (name: string, value: unknown) => [name, Buffer.from(JSON.stringify(value))] as const

/** Makes the files in `out`, and removes others. Returns the sources, also those in `node_modules`, relative to the root. */
const make = async (out: string): Promise<ReadonlySet<string>> => {
  const sources = new Set<string>()
  const bundle: Bundle = async (options) => {
    const result = await esbuild.build({ ...options, ...common, plugins: [design, ...(options.plugins ?? [])] })
    for (const input of Object.keys(result.metafile.inputs)) sources.add(sourceOf(input))
    return result
  }
  /** The files of a folder whose names match, without their scripts. Folders are sources, too: a file may be added. */
  const filesOf = async (folder: string, names: RegExp) => {
    const found = (await filesIn(path.join(root, folder))).filter((name) => names.test(name))
    return Promise.all(
      found.map(async (name) => {
        const source = `${folder}/${name}`
        sources.add(source).add(path.posix.dirname(source))
        return [name, await readFile(path.join(root, source))] as const
      })
    )
  }
  const demoFiles = async () => {
    const pages = (await filesOf(demoPages, /\.html$/)).map(([name, text]) => {
      const page = text.toString("utf8").replaceAll("{{font}}", fontPreload).replaceAll("{{icon}}", Design.iconUrl())
      return [name, Buffer.from(page.replaceAll("{{mark}}", Design.markSvg()))] as const
    })
    const { outputFiles } = await bundle({
      entryPoints: Built.demoFiles.map((name) => path.join(root, demoPages, name.replace(/js$/, "ts"))),
      format: "esm",
      target: "es2022"
    })
    return [...pages, ...outputFiles.map(({ contents, path: file }) => [path.basename(file), contents] as const)]
  }
  const guides = await Promise.all(
    (await filesOf("src/docs", /\.md$/)).map(([file, text]) =>
      GuideReader.parse(path.basename(file, ".md"), text.toString("utf8"))
    )
  )
  const sections = guides.flatMap((guide) => guide.sections)
  const pictures = await filesOf("src/docs", /^console.*\.webp$/)
  const [scripts, console, demo, pages] = await Promise.all([
    Scripts.make(bundle),
    Console.make(bundle),
    demoFiles(),
    Pages.make(bundle, sections, pictures)
  ]).finally(esbuild.stop)

  const { places } = Built
  const compressed = [
    ...Built.scripts.map((name) => [`${places.scripts}/${Built.fileName(name)}`, scripts[name]] as const),
    ...[...console].map(([name, content]) => [`${places.console}/${name}`, content] as const),
    ...[...pages.files].map(([name, content]) => [`${places.assets}/${name}`, content] as const)
  ]
  const plain = [
    ...demo.map(([name, content]) => [`${places.demo}/${name}`, content] as const),
    json(places.guides, Object.fromEntries(guides.map(({ guide }) => [guide.name, guide]))),
    json(places.paths, pages.paths)
  ]
  const names = [
    ...plain.map(([name]) => name),
    ...compressed.flatMap(([name]) => Object.values(Built.extensions).map((extension) => name + extension))
  ]
  for (const folder of new Set(names.map((name) => path.dirname(name)))) {
    await mkdir(path.join(out, folder), { recursive: true })
  }
  await Promise.all([
    ...compressed.map(([name, content]) => writeCompressed(path.join(out, name), content)),
    ...plain.map(([name, content]) => write(path.join(out, name), content))
  ])
  for (const name of await filesIn(out)) if (!names.includes(name)) await rm(path.join(out, name))
  return sources
}

const startedAt = Date.now()
const build = (await filesIn(path.join(root, "scripts/build"))).map((name) => `scripts/build/${name}`)
const sources = [
  ...(await make(folder)),
  ...build,
  "scripts/built.mjs",
  font.file,
  fontExtension.file,
  "src/pages/Built.ts",
  "src/pages/Page.ts",
  "src/platform/design/Design.ts",
  "src/platform/text/Text.ts",
  "package-lock.json"
].sort()
const states = sources.map((source) => {
  const state = stateOf(source)
  // A source that changed during the build counts as changed.
  const isOlder = statSync(path.join(root, source)).mtimeMs < startedAt
  return [source, isOlder ? state : ""]
})
await write(sourcesFile, Buffer.from(JSON.stringify(Object.fromEntries(states), null, 2)))

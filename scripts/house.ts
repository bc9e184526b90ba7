/**
 * Draws the folders of `src` and their imports, as the picture at the beginning of `src/README.md`, and finds circles of imports.
 * `node scripts/house.ts` draws the picture again after a change of the imports between folders.
 *
 * @module
 */
import { globSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"

/** What each folder is for, in the picture. The files beside the folders choose the layers of the service. */
export const captions = {
  console: "the owner's console",
  browser: "scripts that websites load",
  cli: "the commands",
  demo: "what npm start adds",
  App: "chooses the stores",
  server: "the servers",
  pages: "files that are served",
  api: "the two APIs as a whole",
  activity: "what happened, in one list",
  privacy: "exports, erasure, retention",
  health: "problems of websites",
  delivery: "webhooks and mails",
  chat: "agents and conversations",
  forms: "submissions, rules, spam",
  analytics: "page views, visits, reports",
  sites: "websites, and who may reach them",
  platform: "HTTP, databases, limits, telemetry"
}

/** The imports of each file, relative to the folder that has them all. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>

const staticImport = /^(?:import|export)\b[^"'`;]*?"(\.[^"]+)"/gm
const dynamicImport = /\bimport\(([^()]*)\)/g

const specifiersIn = (text: string): ReadonlyArray<string> => [
  ...Array.from(text.matchAll(staticImport), ([, specifier = ""]) => specifier),
  // The argument may choose between several.
  ...[...text.matchAll(dynamicImport)].flatMap(([, argument = ""]) => argument.match(/(?<=")\.[^"]+(?=")/g) ?? [])
]

/** All imports between files of a folder: static and dynamic ones, also of types. */
export const read = (folder: string): Imports =>
  new Map(
    globSync("**/*.{ts,tsx}", { cwd: folder })
      .map((file) => file.replaceAll(path.sep, "/"))
      .sort()
      .map((file) => {
        const specifiers = specifiersIn(readFileSync(path.join(folder, file), "utf8"))
        return [file, new Set(specifiers.map((target) => path.posix.join(path.posix.dirname(file), target)))] as const
      })
  )

/** The nodes that can be reached from a node by at least one arrow. Pure. */
const reachable = (arrows: Imports, from: string): ReadonlySet<string> => {
  const found = new Set(arrows.get(from))
  // The loop also visits what it adds.
  for (const next of found) for (const target of arrows.get(next) ?? []) found.add(target)
  return found
}

/** The groups of files that import each other, also through others. */
export const circles = (imports: Imports): ReadonlyArray<ReadonlyArray<string>> => {
  const closed = new Map([...imports.keys()].map((file) => [file, reachable(imports, file)]))
  const groups = [...imports.keys()]
    .filter((file) => closed.get(file)?.has(file))
    .map((file) => [...imports.keys()].filter((other) => closed.get(file)?.has(other) && closed.get(other)?.has(file)))
  return [...new Map(groups.map((group) => [group.join(), group])).values()]
}

const folderOf = (file: string): string => {
  const folder = file.slice(0, Math.max(0, file.indexOf("/")))
  return folder === "" ? (file === "main.ts" ? "cli" : "App") : folder
}

/** The imports between folders. A handler is a part of an API, so its import of the whole does not count. */
export const foldersOf = (imports: Imports): Imports => {
  const arrows = new Map<string, Set<string>>()
  for (const [file, targets] of imports) {
    const from = folderOf(file)
    const found = arrows.get(from) ?? new Set()
    arrows.set(from, found)
    for (const target of targets) {
      const to = folderOf(target)
      if (to !== from && !target.startsWith("..") && !(to === "api" && file.endsWith("Http.ts"))) found.add(to)
    }
  }
  return arrows
}

/** The arrows that no others imply. There must be no circle. */
export const reduced = (arrows: Imports): Imports =>
  new Map(
    [...arrows].map(([from, targets]) => [
      from,
      new Set([...targets].filter((to) => ![...targets].some((other) => reachable(arrows, other).has(to))))
    ])
  )

/** The picture, in Mermaid's language. */
export const picture = (arrows: Imports): string =>
  [
    "```mermaid",
    "flowchart TD",
    ...Object.entries(captions).map(([folder, caption]) => `  ${folder}["<b>${folder}</b><br>${caption}"]`),
    ...[...reduced(arrows)].flatMap(([from, targets]) => [...targets].map((to) => `  ${from} --> ${to}`)).sort(),
    "```"
  ].join("\n")

export const source = path.resolve(import.meta.dirname, "../src")
export const readme = path.join(source, "README.md")
/** The picture in the README. */
export const block = /```mermaid\n[\s\S]*?```/

if (import.meta.main) {
  writeFileSync(
    readme,
    readFileSync(readme, "utf8").replace(block, () => picture(foldersOf(read(source))))
  )
}

/**
 * Bundles and compresses the console (`src/console`), once per process, when it is first opened.
 *
 * @module
 */
import { createHash } from "node:crypto"
import path from "node:path"
import { fileURLToPath } from "node:url"
import * as Bundles from "./Bundles.ts"
import { build, compress, type Metafile } from "./Esbuild.ts"
import * as StaticContent from "./StaticContent.ts"

export interface File {
  readonly content: StaticContent.Compressed
  readonly contentType: string
}

export interface Files {
  readonly page: StaticContent.Compressed
  /** The scripts and the style sheet by their names, which contain a hash of their content. */
  readonly named: ReadonlyMap<string, File>
  /** The names of the files that the first view loads: the style sheet, the first script, and its static imports. */
  readonly first: ReadonlyArray<string>
}

/** Where the files are served. */
export const folder = "/console/"

const source = (name: string): string => fileURLToPath(new URL(`../console/${name}`, import.meta.url))

/** Brotli's best quality: the files are made once. */
const quality = 11

/**
 * Sets the chosen theme before the first paint. The console's `Theme.ts` writes the same key. If a script cannot be loaded, marks
 * the page, which then says so instead of its skeleton.
 */
const early =
  '{let d=document.documentElement.dataset;addEventListener("error",e=>{if(e.target.tagName=="SCRIPT")d.unloaded=""},true);try{let t=localStorage.getItem("hydracore-theme");if(t=="light"||t=="dark")d.theme=t}catch{}}'

const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64")

/**
 * Allows only this origin's scripts, styles, requests and images, besides the script `early` and images in `data:` URLs.
 * Forbids frames around the console, forms that are sent without a script, and HTML that scripts make from strings.
 */
export const policy = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${sha256(early)}'`,
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cg fill='none' stroke='%234f68e0' stroke-width='2.400' stroke-linecap='round'%3E%3Cpath d='M4 20c4 0 5-3 5-8S10 4 12 4s3 3 3 8 1 8 5 8'/%3E%3C/g%3E%3Cg fill='%234f68e0'%3E%3Ccircle cx='12' cy='4' r='2.200'/%3E%3Ccircle cx='4' cy='20' r='2.200'/%3E%3Ccircle cx='20' cy='20' r='2.200'/%3E%3C/g%3E%3C/svg%3E"

const page = (style: string, script: string, imported: ReadonlyArray<string>): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>HydraCore</title>
<link rel="icon" href="${icon}">
<script>${early}</script>
<link rel="stylesheet" href="${folder}${style}">
${imported.map((name) => `<link rel="modulepreload" href="${folder}${name}">`).join("\n")}
<script type="module" src="${folder}${script}"></script>
</head>
<body>
<header class="bar"></header>
<main id="content">
<div class="loading" aria-busy="true"></div>
<section class="message unloaded">
<h1>The console could not be loaded</h1>
<p>Check the connection, then load the page again.</p>
</section>
</main>
<noscript>The console needs JavaScript. The statistics are also on the command line: <code>hydracore stats</code>.</noscript>
</body>
</html>
`

const contentTypes: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8"
}

const compile = () =>
  build({
    entryPoints: { console: source("Main.tsx"), style: source("console.css") },
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2023", "chrome123", "firefox128", "safari17.5"],
    minify: true,
    write: false,
    metafile: true,
    outdir: "/",
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "silent",
    tsconfigRaw: "{}"
  })

type Outputs = Metafile["outputs"]

/** The names of the scripts that a script imports statically, directly or through others. */
const importsOf = (outputs: Outputs, script: string): ReadonlyArray<string> => {
  const named = new Map(Object.entries(outputs).map(([file, output]) => [path.basename(file), output]))
  const found = new Set<string>()
  const visit = (name: string) => {
    for (const { kind, path: file } of named.get(name)?.imports ?? []) {
      const imported = path.basename(file)
      if (kind !== "import-statement" || found.has(imported)) continue
      found.add(imported)
      visit(imported)
    }
  }
  visit(script)
  return [...found]
}

const make = async (): Promise<Files> => {
  const { metafile, outputFiles } = await Bundles.inTurn(compile)
  const files = await Promise.all(
    outputFiles.map(
      async (file): Promise<readonly [string, File]> => [
        path.basename(file.path),
        {
          content: await StaticContent.make(file.contents, quality, compress),
          contentType: contentTypes[path.extname(file.path)] ?? "application/octet-stream"
        }
      ]
    )
  )
  const names = files.map(([name]) => name)
  const script = names.find((name) => name.startsWith("console-"))
  const style = names.find((name) => name.startsWith("style-"))
  if (script === undefined || style === undefined) throw new Error("The console has no script or no style sheet.")
  const imported = importsOf(metafile.outputs, script)
  return {
    page: await StaticContent.make(Buffer.from(page(style, script, imported)), quality),
    named: new Map(files),
    first: [style, script, ...imported]
  }
}

let made: Promise<Files> | undefined

/** The files of this process, built once. If the build fails, the next call builds them again. */
export const all = (): Promise<Files> => {
  made ??= make().catch((error: unknown) => {
    made = undefined
    throw error
  })
  return made
}

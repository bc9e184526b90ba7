/**
 * Bundles the console (`src/console`), and writes its page.
 *
 * @module
 */
import path from "node:path"
import type { Metafile, Plugin } from "esbuild"
import * as Page from "../../src/pages/Page.ts"
import * as Design from "../../src/platform/design/Design.ts"
import { asPart, type Bundle, fontPreload, root } from "./Bundle.ts"

/** Where the files are served. */
const folder = "/console/"

/** If a script cannot be loaded, marks the page, which then says so instead of its skeleton. */
const early = `addEventListener("error",e=>{if(e.target.tagName=="SCRIPT")document.documentElement.dataset.unloaded=""},true);${Page.themeScript}`

const page = (style: string, script: string, imported: ReadonlyArray<string>): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>HydraCore</title>
<meta name="theme-color" content="${Design.colors.back[0]}" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="${Design.colors.back[1]}" media="(prefers-color-scheme: dark)">
<link rel="icon" href="${Design.iconUrl()}">
${fontPreload}
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

const main = path.join(root, "src/console/Main.tsx")

/**
 * Lets each part that is loaded later import the main script, which has run by then. The bundler makes a file for each set of
 * scripts that share modules. Without this, what the main script shares with parts would be in many small files, and a first
 * view would load them all.
 */
const parts: Plugin = {
  name: "parts",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^\./ }, ({ kind, path: file, resolveDir }) =>
      kind === "dynamic-import" ? { path: path.resolve(resolveDir, file), suffix: asPart } : undefined
    )
    onLoad({ filter: /\.tsx?$/ }, ({ path: file, suffix }) =>
      suffix === asPart
        ? { contents: `import ${JSON.stringify(main)}\nexport * from ${JSON.stringify(file)}` }
        : undefined
    )
  }
}

/** The page, the scripts and the style sheet, by their names. */
export const make = async (bundle: Bundle): Promise<ReadonlyMap<string, Uint8Array>> => {
  const { metafile, outputFiles } = await bundle({
    entryPoints: {
      console: main,
      style: path.join(root, "src/console/console.css")
    },
    splitting: true,
    plugins: [parts],
    format: "esm",
    target: ["es2023", "chrome123", "firefox128", "safari17.5"],
    minify: true,
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    jsx: "automatic",
    jsxImportSource: "preact"
  })
  const files = new Map(outputFiles.map((file) => [path.basename(file.path), file.contents]))
  const named = (prefix: string): string => {
    const name = [...files.keys()].find((name) => name.startsWith(prefix))
    if (name === undefined) throw new Error(`The console has no file ${prefix}*.`)
    return name
  }
  const script = named("console-")
  const html = page(named("style-"), script, importsOf(metafile.outputs, script))
  return files.set("index.html", new TextEncoder().encode(html))
}

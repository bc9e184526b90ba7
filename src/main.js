#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=60 --no-allocation-site-pretenuring
import module from "node:module"
import { fileURLToPath } from "node:url"

// Plain JavaScript, so that every Node can read it and say what it lacks. `main.ts` is a link to this file: commands name it like
// the other sources, and Node 20 refuses files of that kind.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `hydracore needs Node 22.19 or newer, and this is Node ${process.versions.node}: install Node 24 from https://nodejs.org/en/download, and start again.\n`
  )
  process.exit(1)
}

// Node 22 warns that SQLite and types are experimental. The flag for this would stop older Nodes before they read this file.
process.emitWarning = new Proxy(process.emitWarning, {
  apply: (emit, self, args) => (args[1] === "ExperimentalWarning" ? undefined : Reflect.apply(emit, self, args))
})

// Compiling modules takes half of the start. The cache is next to the packages, where no other user can write; without
// write access, Node runs uncached. It must be enabled before the first module loads, so the import below is dynamic.
module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url)))
// `serve --workers` forks this program for each worker, with an IPC channel.
await import(process.argv[2] === "worker" && process.connected ? "./cli/Worker.ts" : "./cli/Main.ts")

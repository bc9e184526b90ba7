#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=60 --no-allocation-site-pretenuring
import { enableCompileCache } from "node:module"
import { fileURLToPath } from "node:url"

// Compiling its modules is half of the start. The cache stands with the packages, where nobody else can write; where we
// cannot either, Node goes on without. It must be on before the first of them is loaded, hence no static import.
enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url)))
// `serve --workers` starts its workers as this program, with a channel between them that nobody else has.
await import(process.argv[2] === "worker" && process.connected ? "./cli/Worker.ts" : "./cli/Main.ts")

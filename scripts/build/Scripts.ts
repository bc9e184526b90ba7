/**
 * Bundles the files that websites load (`src/browser`).
 *
 * @module
 */
import { readFile } from "node:fs/promises"
import path from "node:path"
import type { BuildOptions, Plugin } from "esbuild"
import * as Built from "../../src/pages/Built.ts"
import * as Design from "../../src/platform/design/Design.ts"
import { type Bundle, root } from "./Bundle.ts"

/**
 * Properties whose names are shortened in the chat's panel, which saves 440 bytes gzipped: those of the Markdown parser and of
 * the chat's own parts. No property may have one of these names in the browser's objects, in stored or sent data, in what
 * `chat.js` uses, or in a website's settings.
 */
const mangledProps = new RegExp(
  `^(${[
    "token|tokens|len|pending|spaces|indent|indent_len|blockquote_idx|fence_start|fence_end|hr_char|hr_chars|table_state",
    "renderer|add_token|end_token|add_text|set_attr",
    "conversationId|isCurrent|endpoint|shared|setActivity|addSource|onStart|onSource|onActivity|onRate|stopAtEdge|onConversation|addQuestion|addAnswer|removeAnswer|transcript|speech|setUnread|setBusy",
    "renderNext|address|isOpen|relabel|onToggle|onRetry|scrollToEnd|strings|instance|elements|onText|onSend|onStop|onNew|region|reset|flush|dispose",
    "panel|input|say|slot|script|base|page|write|end"
  ].join("|")})$`
)

/** Properties whose names are shortened in the form enhancer, which saves 50 bytes gzipped. */
const mangledFormProps = /^(attempts|submittedAt|cancelRetry|isBusy|shownAt|submissionId|typed|pending)$/

/**
 * Minifies the chat's style sheets, which are strings in its scripts: writes the design's colours into them, removes line breaks,
 * and shortens custom properties to their first letter, except those with the prefix `--hydracore-`, which websites set.
 */
const minifyStyle: Plugin = {
  name: "style",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\bchat[\\/](Launcher)?Style\.ts$/ }, async ({ path }) => {
      const css = Design.inlined(await readFile(path, "utf8"))
      const names = /(?<=\W--)(?!hydracore-)(\w)[\w-]*/g
      const used = new Map(Array.from(css.matchAll(names), ([name, letter = ""]) => [name, letter]))
      if (new Set(used.values()).size < used.size) {
        throw new Error(`Two of these names begin with the same letter: ${[...used.keys()].join(", ")}`)
      }
      return { loader: "ts", contents: css.replaceAll(/(?<=[;}])\n+/g, "").replaceAll(names, "$1") }
    })
}

/** Writes the design's colours into the style sheet of forms. */
const inlineDesign: Plugin = {
  name: "inline-design",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\bforms\.css$/ }, async ({ path }) => ({
      loader: "css",
      contents: Design.inlined(await readFile(path, "utf8"))
    }))
}

/** Bundles the scripts. The result has their contents by their names. */
export const make = async (bundle: Bundle): Promise<Readonly<Record<Built.Script, Uint8Array>>> => {
  const make = async (name: Built.Script, options: BuildOptions): Promise<Uint8Array> => {
    const { outputFiles } = await bundle({
      entryPoints: [path.join(root, "src/browser", Built.isStyle(name) ? "forms.css" : `${name}.ts`)],
      minify: true,
      target: "es2021",
      ...options
    })
    return outputFiles[0]!.contents
  }
  const [events, faults, style, panel] = await Promise.all([
    make("events", { format: "esm" }),
    make("forms-faults", { format: "esm" }),
    make("forms-style", { target: ["chrome99", "firefox101", "safari16.4"], plugins: [inlineDesign] }),
    // `pure` removes the Markdown parser's assertions. The banner is the notice that the parser's licence requires, which
    // minifying would remove.
    make("chat-panel", {
      format: "esm",
      target: "es2022",
      pure: ["console.assert"],
      mangleProps: mangledProps,
      plugins: [minifyStyle],
      banner: { js: "/*! streaming-markdown: MIT */" }
    })
  ])
  // A script names its other parts with their hashes.
  const fileOf = (name: Built.Script, content: Uint8Array): string =>
    JSON.stringify(Built.fileName(name, Built.hashOf(content)))
  const forms = await make("forms", {
    format: "esm",
    mangleProps: mangledFormProps,
    define: { FAULTS_FILE: fileOf("forms-faults", faults), STYLE_FILE: fileOf("forms-style", style) }
  })
  const [embed, chat] = await Promise.all([
    make("embed", {
      format: "iife",
      define: { EVENTS_FILE: fileOf("events", events), FORMS_FILE: fileOf("forms", forms) }
    }),
    // Not `esm`, so that the script also runs if its tag lacks `type="module"`, and can warn the page's owner.
    make("chat", {
      format: "iife",
      target: "es2022",
      plugins: [minifyStyle],
      define: { PANEL_FILE: fileOf("chat-panel", panel) }
    })
  ])
  return { embed, events, forms, "forms-faults": faults, "forms-style": style, chat, "chat-panel": panel }
}

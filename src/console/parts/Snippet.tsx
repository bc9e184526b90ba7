/**
 * A command or a tag, with a button that copies it.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Texts from "../Texts.ts"
import { Icon } from "./Icon.tsx"

export const Snippet = ({ text }: { readonly text: string }) => {
  const [isCopied, setCopied] = useState(false)
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => {
        setCopied(true)
        setTimeout(() => setCopied(false), 2_000)
      },
      () => {}
    )
  return (
    <div class="snippet">
      <pre>
        <code>{text}</code>
      </pre>
      <button type="button" class="button" onClick={copy}>
        <Icon name={isCopied ? "check" : "copy"} />
        <span aria-live="polite">{isCopied ? Texts.copy.copied : Texts.copy.copy}</span>
      </button>
    </div>
  )
}

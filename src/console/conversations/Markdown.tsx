/**
 * An answer of an agent as the visitor sees it. The chat's own module renders it, which makes no HTML from text.
 *
 * @module
 */
import { useEffect, useRef } from "preact/hooks"
import { makeMarkdown } from "../../browser/chat/Markdown.ts"
import { foreignHref } from "./ForeignLink.ts"

export const Markdown = ({ text }: { readonly text: string }) => {
  const root = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (root.current === null) return
    root.current.replaceChildren()
    const markdown = makeMarkdown(
      root.current,
      () => {},
      (address) => foreignHref(address, location.origin)
    )
    markdown.write(text)
    do markdown.end()
    while (markdown.renderNext() > 0)
  }, [text])
  return <div class="markdown" dir="auto" ref={root} />
}

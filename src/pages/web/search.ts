/**
 * The results of the search of the guides, loaded when the search is first opened.
 *
 * @module
 */
import MiniSearch from "minisearch"

/** A section of a guide, as `scripts/build/GuideReader.ts` writes it. */
interface Section {
  readonly url: string
  readonly guide: string
  readonly heading: string
  readonly text: string
}

/** The maximum number of results that are shown, and of characters around the first match. */
const maxResults = 12
const excerptLength = 150

/** Typing errors are allowed in long words only: short ones resemble too many others. */
const tolerance = (word: string): number | false => (word.length > 5 ? 0.2 : false)

const element = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[Name] => {
  const made = document.createElement(name)
  made.append(...children)
  return made
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** The text around the first of the words, with the words marked. */
const excerpt = (text: string, words: ReadonlyArray<string>): ReadonlyArray<Node | string> => {
  const pattern = new RegExp(`(${words.map(escaped).join("|")})`, "gi")
  const first = Math.max(0, text.search(pattern))
  const start = first < excerptLength / 2 ? 0 : text.indexOf(" ", first - excerptLength / 2) + 1
  const part = text.slice(start, start + excerptLength)
  // A pattern in a group: every second part is a match.
  return [
    start > 0 ? "… " : "",
    ...part.split(pattern).map((piece, index) => (index % 2 === 0 ? piece : element("mark", piece))),
    start + excerptLength < text.length ? " …" : ""
  ]
}

/** Where the arrow keys lead from a link of the list or from the field: to the next link, the one before, or the field. */
const move = (from: Element | null, links: ReadonlyArray<HTMLElement>, step: number): number =>
  Math.min(links.indexOf(from as HTMLElement) + step, links.length - 1)

/**
 * Shows what the search finds, also of what was typed before it was loaded.
 *
 * @param index the URL of the sections
 */
export const load = async (
  index: string,
  {
    dialog,
    input,
    status
  }: {
    readonly dialog: HTMLDialogElement
    readonly input: HTMLInputElement
    readonly status: HTMLElement
  }
): Promise<void> => {
  const sections: ReadonlyArray<Section> = await (await fetch(index)).json()
  const search = new MiniSearch<Section & { id: number }>({
    fields: ["heading", "guide", "text"],
    searchOptions: { boost: { heading: 4, guide: 2 }, prefix: true, fuzzy: tolerance, combineWith: "AND" }
  })
  search.addAll(sections.map((section, id) => ({ id, ...section })))

  const list = element("ul")
  const links = () => [...list.querySelectorAll("a")]
  const show = (): void => {
    const query = input.value.trim()
    const found = query === "" ? [] : search.search(query).slice(0, maxResults)
    status.textContent =
      query === ""
        ? "Words of a guide, such as webhook, quarantine or DATABASE_URL."
        : found.length === 0
          ? "Nothing found. Try fewer or other words."
          : `${found.length === maxResults ? "The best " : ""}${found.length} ${found.length === 1 ? "result" : "results"}`
    list.replaceChildren(
      ...found.map(({ id, terms }) => {
        const { guide, heading, text, url } = sections[id]!
        const title = element("b", heading)
        const link = element(
          "a",
          title,
          ...(heading === guide ? [] : [element("small", guide)]),
          element("small", ...excerpt(text, terms))
        )
        link.href = url
        link.addEventListener("click", () => dialog.close())
        return element("li", link)
      })
    )
  }
  input.addEventListener("input", show)
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === input) links()[0]?.click()
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const at = move(document.activeElement, links(), step)
    ;(links()[at] ?? input).focus()
  })
  dialog.append(list)
  show()
}

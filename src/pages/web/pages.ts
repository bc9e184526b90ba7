/**
 * The script of the guides and the start page: buttons that copy code, the search, the section that is read, and the state of the
 * service. Without it, the pages are complete except for these.
 *
 * @module
 */

/** How long a button says that it has copied, in milliseconds. */
const copiedFor = 2000

for (const code of document.querySelectorAll(".code")) {
  const button = document.createElement("button")
  const label = (text: string): void => {
    button.textContent = text
  }
  button.type = "button"
  button.className = "copy"
  // Says its new label to those who do not see it.
  button.setAttribute("aria-live", "polite")
  label("Copy")
  button.addEventListener("click", async () => {
    const copying = navigator.clipboard?.writeText(code.querySelector("pre")?.textContent ?? "")
    // A page that is not on https has no clipboard.
    label(
      await Promise.resolve(copying ?? Promise.reject()).then(
        () => "Copied",
        () => "Not possible here"
      )
    )
    setTimeout(label, copiedFor, "Copy")
  })
  code.prepend(button)
}

const finder = document.querySelector<HTMLButtonElement>(".find")
if (finder !== null) {
  finder.hidden = false
  const dialog = document.createElement("dialog")
  dialog.className = "results"
  dialog.setAttribute("aria-label", "Search")
  const input = document.createElement("input")
  input.type = "search"
  input.placeholder = "Search the guides"
  input.setAttribute("aria-label", "Search the guides")
  const status = document.createElement("p")
  status.setAttribute("role", "status")
  dialog.append(input, status)
  document.body.append(dialog)
  // A click outside is on the backdrop, which belongs to the dialog.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close()
  })

  let isLoaded = false
  // Opens at once: what is typed while the search loads is not lost.
  const open = async (): Promise<void> => {
    if (!dialog.open) dialog.showModal()
    input.select()
    if (isLoaded) return
    isLoaded = true
    try {
      const search = await import("./search.ts")
      await search.load(finder.dataset["index"] ?? "", { dialog, input, status })
    } catch {
      isLoaded = false
      status.textContent = "The search could not be loaded. Close it and try again."
    }
  }
  finder.addEventListener("click", open)
  document.addEventListener("keydown", (event) => {
    const isTyped = (event.target as Element).closest("input, textarea, select, dialog") !== null
    if (isTyped || event.altKey) return
    const isCommand = event.key === "k" && (event.metaKey || event.ctrlKey)
    if (!isCommand && (event.key !== "/" || event.metaKey || event.ctrlKey)) return
    event.preventDefault()
    void open()
  })
}

const contents = new Map(
  [...document.querySelectorAll<HTMLAnchorElement>(".contents a")].flatMap((link) => {
    const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)))
    return heading === null ? [] : [[heading, link] as const]
  })
)
if (contents.size > 0) {
  // Marks the last section that begins above the first third of the window.
  const mark = (): void => {
    const headings = [...contents.keys()]
    const current = headings.findLast((heading) => heading.getBoundingClientRect().top < innerHeight / 3)
    for (const [heading, link] of contents) {
      if (heading === current) link.setAttribute("aria-current", "location")
      else link.removeAttribute("aria-current")
    }
  }
  let isWaiting = false
  addEventListener(
    "scroll",
    () => {
      if (isWaiting) return
      isWaiting = true
      requestAnimationFrame(() => {
        isWaiting = false
        mark()
      })
    },
    { passive: true }
  )
  mark()
}

const state = document.querySelector<HTMLAnchorElement>("[data-state]")
if (state !== null) {
  const show = (isReady: boolean, text: string): void => {
    state.className = isReady ? "ready" : "not-ready"
    state.textContent = text
  }
  fetch(state.href).then(
    ({ ok }) => show(ok, ok ? "The service is ready" : "The service is not ready"),
    () => show(false, "The service does not answer")
  )
}

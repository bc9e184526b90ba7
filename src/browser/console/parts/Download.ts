/**
 * Has the browser save a file of this origin.
 *
 * @module
 */

export const download = (address: string): void => {
  const link = document.createElement("a")
  link.href = address
  // The service names the file.
  link.download = ""
  link.click()
}

/** Has the browser save a text. */
export const save = (text: string, name: string): void => {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([text]))
  link.download = name
  link.click()
  // The browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

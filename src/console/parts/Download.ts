/**
 * Downloads files.
 *
 * @module
 */

/** Downloads a file of this origin. */
export const download = (address: string): void => {
  const link = document.createElement("a")
  link.href = address
  // The service names the file.
  link.download = ""
  link.click()
}

/** Saves a text as a file. */
export const save = (text: string, name: string): void => {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([text]))
  link.download = name
  link.click()
  // The browser needs the URL until it has read the text.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

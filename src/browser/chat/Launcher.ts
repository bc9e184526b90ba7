/**
 * The button that opens the chat.
 *
 * @module
 */
import { icon, make } from "./Dom.ts"
import { fill, launcherTexts, replaceTexts } from "./Texts.ts"

/** Creates the button, without its texts. */
export const makeLauncher = (): HTMLButtonElement =>
  make("button", { part: "launcher", type: "button", "aria-haspopup": "dialog" }, icon("chat"), make("span"))

/** Sets the text and the label of the button. */
export const setLauncherTexts = (launcher: HTMLButtonElement, text: string, label: string): void => {
  launcher.children[1]!.textContent = text
  launcher.ariaLabel = label
}

/** Labels the button of an element whose panel is not loaded. */
export const labelLauncher = (launcher: HTMLButtonElement, host: HTMLElement, isFailed: boolean): void => {
  const texts = replaceTexts(launcherTexts, host.getAttribute("strings"), host.getAttribute("heading"))
  if (isFailed) setLauncherTexts(launcher, texts.unloaded, texts.unloaded)
  else setLauncherTexts(launcher, texts.heading, fill(texts.open, texts))
}

/**
 * The script of `/console`.
 *
 * @module
 */
import { render } from "preact"
import { App } from "./App.tsx"

render(<App />, document.body)

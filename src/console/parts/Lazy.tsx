/**
 * A page, or a part of a page, that is loaded when it is first shown.
 *
 * @module
 */
import { type ComponentChildren, type ComponentType, Fragment } from "preact"
import { useEffect, useState } from "preact/hooks"
import * as Texts from "../Texts.ts"
import { Message } from "./Message.tsx"

/**
 * Returns a component that calls `load` when it is first shown, and again if that failed and it is shown anew.
 *
 * @param Pending contains what is shown until the component is loaded
 */
export const lazy = <Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  Pending: ComponentType<Props & { readonly children: ComponentChildren }> = Fragment
): ComponentType<Props> => {
  let Loaded: ComponentType<Props> | undefined
  return (props: Props) => {
    const [state, setState] = useState<"loading" | "loaded" | "failed">(Loaded === undefined ? "loading" : "loaded")
    useEffect(() => {
      if (state !== "loading") return
      load().then(
        (component) => {
          Loaded = component
          setState("loaded")
        },
        () => setState("failed")
      )
    }, [state])
    if (state === "failed") {
      return (
        <Pending {...props}>
          <Message title={Texts.frame.notLoaded}>
            {/* The files of a new version have other names. */}
            <p>{Texts.frame.notLoadedBody}</p>
            <p>
              <button type="button" class="button" onClick={() => location.reload()}>
                {Texts.frame.reload}
              </button>
            </p>
          </Message>
        </Pending>
      )
    }
    if (Loaded === undefined) {
      return (
        <Pending {...props}>
          <div class="loading" aria-busy="true" />
        </Pending>
      )
    }
    return <Loaded {...props} />
  }
}
